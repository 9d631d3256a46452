import { describe, expect, it } from "vitest";
import { stackConfig } from "../../../stacks/config/schema.ts";
import { minimal, synthesize, theOnly } from "../synth.ts";

const arn = "arn:aws:ssm:us-west-2:111122223333:parameter/x";
const fleets = [
  { ...minimal, agents: { singleUse: true } },
  { ...minimal, vendor: { type: "azure-devops", organization: "acme", poolName: "AWS" } },
  {
    ...minimal,
    vendor: {
      type: "azure-devops",
      organization: "acme",
      poolName: "AWS",
      servicePrincipal: {
        tenantId: "11111111-2222-3333-4444-555555555555",
        clientId: "66666666-7777-8888-9999-000000000000",
      },
    },
  },
];

interface Named {
  readonly name: string;
}

/** The variables that a stack gives its agents, but for those that no name in a config may look like. */
function variablesOf(fleet: object): string[] {
  const task = theOnly(synthesize(fleet), "aws_ecs_task_definition");
  const [{ environment, secrets }]: [{ environment: Named[]; secrets: Named[] }] = JSON.parse(
    String(task.container_definitions),
  );
  return [...environment, ...secrets].map(({ name }) => name).filter((name) => !name.startsWith("AGENT_FLEETS_"));
}

function errorsOf(config: object): string[] {
  const issues = stackConfig.safeParse(config).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("variables that a stack sets itself", () => {
  it.each(fleets)("are refused wherever a config sets variables of $vendor.type", (fleet) => {
    const names = variablesOf(fleet);
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      for (const [key, value] of [
        ["environment", "x"],
        ["secrets", arn],
      ] as const) {
        expect(errorsOf({ ...fleet, compute: { [key]: { [name]: value } } })).toEqual([
          expect.stringMatching(new RegExp(`^compute\\.${key}\\.${name}: must not be set here: use `)),
        ]);
      }
    }
  });

  it.each(["TFC_AGENT_NAME", "TFC_AGENT_TOKEN", "TFC_AGENT_AUTO_UPDATE"])("are no secret either: %s", (name) => {
    expect(errorsOf({ ...minimal, compute: { secrets: { [name]: arn } } })).toHaveLength(1);
  });

  it("say nothing where another key is wrong", () => {
    expect(errorsOf({ ...minimal, compute: { environment: { TFC_ADDRESS: 1 }, secrets: "x" } })).toHaveLength(2);
  });
});
