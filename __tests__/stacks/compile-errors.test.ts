import { expect, it } from "vitest";
import { equals, format, isPresent, type Parameters } from "../../stacks/constructs/retirement/execution.ts";
import { choice, type States } from "../../stacks/constructs/retirement/states-language.ts";
import type { Secret } from "../../stacks/constructs/secret.ts";
import { plainText, terraformText } from "../../stacks/constructs/terraform-text.ts";
import type { MakeSecret } from "../../stacks/vendors/vendor-synth.ts";

/** Mistakes that `tsc` must refuse: it fails on a directive below whose line is no error. */
it("the compiler refuses paths, answers and states of the workflow that do not exist", () => {
  const mistakes = [
    // @ts-expect-error the answer to a drain has no such field
    () => equals("$.drain.status", "idle"),
    // @ts-expect-error an agent is never in this state
    () => equals("$.drain.state", "resting"),
    // @ts-expect-error the input has no such field
    () => isPresent("$.hooks"),
    // @ts-expect-error the agent has no such field
    () => format("{}", "$.agent.id"),
    // @ts-expect-error a key that ends in .$ holds a path
    (): Parameters => ({ "agent.$": "$.agents" }),
    // @ts-expect-error the state Two is missing
    (): States<"One" | "Two", "One" | "Two"> => ({ One: { Type: "Succeed" } }),
    // @ts-expect-error there is no state Three to go to
    (): States<"One", "One"> => ({ One: choice("Three", []) }),
  ];
  expect(mistakes).toHaveLength(7);
  expect(equals("$.drain.state", "idle")).toEqual({ Variable: "$.drain.state", StringEquals: "idle" });
  expect(equals("$.left.replace", true)).toEqual({ Variable: "$.left.replace", BooleanEquals: true });
});

it("the compiler refuses to make text plain that was never escaped", () => {
  // @ts-expect-error a plain text
  const twice = () => plainText("$${a}");
  expect(twice()).toBe("${a}");
  expect(plainText(terraformText("$${a}"))).toBe("$${a}");
});

it("the compiler refuses a secret that the vendor does not declare", () => {
  const asked: string[] = [];
  const secret: MakeSecret<"semaphore"> = (key) => {
    asked.push(key);
    return {} as Secret;
  };
  secret("agentTypeToken", "its own");
  // @ts-expect-error a secret of HCP Terraform
  secret("agentToken", "another vendor's");
  expect(asked).toEqual(["agentTypeToken", "agentToken"]);
});
