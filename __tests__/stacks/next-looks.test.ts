import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { spacelift } from "./ec2-fleet.ts";
import { minimal, resources, synthesize } from "./synth.ts";

describe.each([
  ["tasks", minimal],
  ["instances", spacelift],
])("the queue of next looks of a fleet on %s", (_, config) => {
  const stack = synthesize(config);
  const [queue] = resources(stack, "aws_sqs_queue").filter(({ name }) => name === "ci-next-looks");
  const [loop] = resources(stack, "aws_lambda_function").filter(
    ({ function_name }) => function_name === "ci-autoscale",
  );

  it("hides a message for six times the function's timeout, and longer than it keeps it: none is tried again", () => {
    const { visibility_timeout_seconds: hidden, message_retention_seconds: kept } = queue as Record<string, number>;
    expect(hidden).toBe(6 * Number(loop?.timeout));
    expect(kept).toBeLessThan(Number(hidden));
    // The longest delay that the loop asks for is less than a minute.
    expect(kept).toBeGreaterThan(60);
  });

  it("calls the loop, one message at a time, without a limit that would need reserved executions", () => {
    const mappings = resources(stack, "aws_lambda_event_source_mapping").filter(({ event_source_arn }) =>
      String(event_source_arn).includes("next-looks"),
    );
    expect(mappings).toMatchObject([
      { batch_size: 1, function_name: expect.stringContaining("aws_lambda_function.autoscale") },
    ]);
    expect(mappings[0]).not.toHaveProperty("scaling_config");
    expect(loop).not.toHaveProperty("reserved_concurrent_executions");
  });

  it("may do so for ever: Lambda would stop a function that calls itself after 16 rounds", () => {
    expect(resources(stack, "aws_lambda_function_recursion_config")).toMatchObject([
      { recursive_loop: "Allow", function_name: expect.stringContaining("aws_lambda_function.autoscale") },
    ]);
  });

  it("is, with a customer managed key, one of the queues that the docs say the key does not encrypt", () => {
    const kmsKeyArn = "arn:aws:kms:us-west-2:111122223333:key/11111111-2222-3333-4444-555555555555";
    const without = resources(synthesize({ ...config, kmsKeyArn }), "aws_sqs_queue")
      .filter(({ kms_master_key_id: key }) => key === undefined)
      .map(({ name, sqs_managed_sse_enabled: own }) => ({ name: String(name), own }));
    expect(without.map(({ name }) => name)).toContain("ci-next-looks");
    const page = readFileSync("docs/how-it-works.md", "utf8");
    for (const { name, own } of without) {
      expect(own).toBe(true);
      expect(page).toContain(`\`${name.replace("ci-", "<stack>-")}\`, whose messages hold`);
    }
  });
});
