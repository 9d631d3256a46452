import { describe, expect, it } from "vitest";
import { capabilitiesOf, containersOf, ofImage, pool, pooled, single } from "./azure-devops.ts";
import { type Synthesized, synthesize } from "./synth.ts";

describe("variables of Azure DevOps agents", () => {
  const reference = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci/db-AbCdEf";
  const variable = (stack: Synthesized, name: string, index = 0) =>
    containersOf(stack)[index].environment.find((each: { name: string }) => each.name === name)?.value;

  it("defect 7: that are secrets are not published as capabilities, beside what the config hides itself", () => {
    const secrets = { NPM_TOKEN: `${reference}:npm::`, DB_PASSWORD: reference };
    expect(variable(synthesize({ ...single, compute: { secrets } }), "VSO_AGENT_IGNORE")).toBe("NPM_TOKEN,DB_PASSWORD");
    const environment = { VSO_AGENT_IGNORE: "MINE, YOURS,", MINE: "a" };
    const stack = synthesize({ ...single, compute: { secrets, environment } });
    expect(variable(stack, "VSO_AGENT_IGNORE")).toBe("MINE,YOURS,NPM_TOKEN,DB_PASSWORD");
    expect(containersOf(stack)[0].secrets).toContainEqual({ name: "NPM_TOKEN", valueFrom: secrets.NPM_TOKEN });
    expect(variable(synthesize(single), "VSO_AGENT_IGNORE")).toBeUndefined();
  });

  it("defect 7: of a pool that hides others hide the secrets too", () => {
    const own = pool("own", { compute: { environment: { VSO_AGENT_IGNORE: "A" } } });
    const stack = synthesize(pooled([own, pool("usual")], { compute: { secrets: { DB_PASSWORD: reference } } }));
    expect([0, 1].map((index) => variable(stack, "VSO_AGENT_IGNORE", index))).toEqual(["A,DB_PASSWORD", "DB_PASSWORD"]);
  });

  it("are what jobs may demand, as far as agents publish them", () => {
    const environment = {
      BUILD_CLASS: "usual",
      TEXT: "${not} %{terraform}",
      HIDDEN: "x",
      VSO_AGENT_IGNORE: "HIDDEN",
      LONG: "x".repeat(1024),
      VSTS_AGENT_INPUT_PROXYURL: "http://proxy",
      TERM: "xterm",
      GIT: "an old one",
      LANG: "de_DE.UTF-8",
    };
    const compute = { environment, secrets: { DB_PASSWORD: reference } };
    const stack = synthesize({ ...single, compute });
    const own = { BUILD_CLASS: "usual", LANG: "de_DE.UTF-8", TEXT: "$${not} %%{terraform}" };
    const escaped = { ...ofImage("aws"), ...own };
    expect(capabilitiesOf(stack)).toEqual([escaped]);
  });

  it("tell what the config promises besides, which agents would not publish otherwise", () => {
    const vendor = {
      ...single.vendor,
      capabilities: { terraform: "1.11", "node.js": "22", AZP_URL: "mine", git: "2" },
    };
    const stack = synthesize({ ...single, vendor });
    expect(["terraform", "node.js", "AZP_URL"].map((name) => variable(stack, name))).toEqual([
      "1.11",
      "22",
      "https://dev.azure.com/acme",
    ]);
    expect(capabilitiesOf(stack)).toEqual([{ ...ofImage("aws"), terraform: "1.11", "node.js": "22" }]);
    const own = pool("tools", { capabilities: { kubectl: "1.33" } });
    const pools = synthesize(pooled([own, pool("usual")]));
    expect([0, 1].map((index) => variable(pools, "kubectl", index))).toEqual(["1.33", undefined]);
  });

  it("are no promise where the config hides them, whoever brings them", () => {
    const [offers] = capabilitiesOf(
      synthesize({ ...single, compute: { environment: { VSO_AGENT_IGNORE: "HOME,PATH" } } }),
    );
    const { HOME: _home, PATH: _path, ...others } = ofImage("aws");
    expect(offers).toEqual(others);
  });

  it("are each pool's own, said once where they are the same in all of them", () => {
    const pools = [
      pool("usual"),
      pool("large", { compute: { environment: { BUILD_CLASS: "large", VSO_AGENT_IGNORE: "PLACE" } } }),
      pool("tools", { capabilities: { build_class: "tools", kubectl: "1.33" } }),
    ];
    const compute = { environment: { BUILD_CLASS: "usual", PLACE: "aws", OWNER: "platform" } };
    const stack = synthesize(pooled(pools, { compute }));
    expect(capabilitiesOf(stack)).toEqual([
      { ...ofImage("Pool usual"), OWNER: "platform", BUILD_CLASS: "usual", PLACE: "aws" },
      { ...ofImage("Pool large"), OWNER: "platform", BUILD_CLASS: "large" },
      { ...ofImage("Pool tools"), OWNER: "platform", build_class: "tools", PLACE: "aws", kubectl: "1.33" },
    ]);
  });
});
