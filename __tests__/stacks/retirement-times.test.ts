import { expect, it } from "vitest";
import { resources, synthesize, theOnly } from "./synth.ts";

it("the retirement workflow waits for the retire function longer than that may run: no step is asked for twice at once", () => {
  const stack = synthesize({
    kind: "ecs-fleet",
    region: "us-west-2",
    vendor: { type: "azure-devops", organization: "acme", poolName: "Linux" },
  });
  const retire = resources(stack, "aws_lambda_function").find(({ function_name }) => function_name === "ci-retire");
  const { States } = JSON.parse(String(theOnly(stack, "aws_sfn_state_machine").definition));
  const steps = Object.values<{ Parameters?: { step?: string }; TimeoutSeconds?: number }>(States).filter(
    ({ Parameters }) => Parameters?.step !== undefined,
  );
  expect(steps.length).toBeGreaterThan(3);
  for (const { TimeoutSeconds } of steps) expect(TimeoutSeconds).toBeGreaterThan(Number(retire?.timeout));
});
