import { describe, expect, it } from "vitest";
import { errorsOf, load, minimal } from "./files.ts";

const region = "region: us-west-2\n";
const instances = `kind: ec2-fleet\n${region}vendor: { type: semaphore, organization: acme }\n`;
const image = `kind: machine-image\n${region}`;
const cluster = `kind: ecs-cluster\n${region}`;
const network = `kind: network\n${region}`;

/** Each place that names another stack: the key, a whole config around its value, and the other stack. */
const places: readonly (readonly [key: string, config: (reference: string) => string, other: string])[] = [
  ["network", (value) => `${minimal}network: ${value}\n`, network],
  ["network", (value) => `${instances}network: ${value}\n`, network],
  ["network", (value) => `${cluster}network: ${value}\n`, network],
  ["network", (value) => `${image}network: ${value}\n`, network],
  ["compute.capacityProvider", (value) => `${minimal}compute: { capacityProvider: ${value} }\n`, cluster],
  ["compute.ami", (value) => `${instances}compute: { ami: ${value} }\n`, image],
];

describe.each(places)("a stack that %s names", (key, config, other) => {
  const filesWith = (reference: string) => ({
    "config/one.yaml": config(reference),
    "config/shared-ground.yaml": other,
  });

  it("is in the same folder", () => {
    expect(load(filesWith("{ stack: shared-ground }")).stacks).toHaveLength(2);
  });

  it.each([
    ["shared-grond", " in this folder, did you mean shared-ground?"],
    ["ground-shared", " in this folder."],
  ])("is not %s, which the folder lacks", (name, text) => {
    const where = `${key}.stack: there is no stack ${name}`;
    expect(errorsOf(() => load(filesWith(`{ stack: ${name} }`)))).toEqual([
      expect.stringMatching(/^config\/one\.yaml:\d+:\d+: /),
    ]);
    expect(errorsOf(() => load(filesWith(`{ stack: ${name} }`)))[0]).toContain(
      `${where}${text} If its config is in another folder, add elsewhere: true beside it`,
    );
  });

  it("may be in another folder if the config says so", () => {
    expect(load(filesWith("{ stack: far-away, elsewhere: true }")).stacks).toHaveLength(2);
  });

  it("is not elsewhere if it is in the folder", () => {
    expect(errorsOf(() => load(filesWith("{ stack: shared-ground, elsewhere: true }")))).toEqual([
      expect.stringContaining(`${key}.elsewhere: must be left out: shared-ground is in this folder`),
    ]);
  });
});
