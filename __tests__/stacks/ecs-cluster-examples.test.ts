import { describe, expect, it } from "vitest";
import { loadStack } from "../../stacks/config/load.ts";
import { resources, rightsOf, synthesizeParsed, theOnly } from "./synth.ts";

function example(name: string) {
  const { config } = loadStack(name, { cwd: process.cwd(), env: {} });
  return synthesizeParsed(config, name);
}

describe("the Vault example", () => {
  const stack = example("cluster-vault");

  it("defect 7: gives no requests to a Vault that is sealed or not initialized", () => {
    expect(theOnly(stack, "aws_lb_target_group")).toMatchObject({
      protocol: "HTTPS",
      // 501 is not initialized, 503 is sealed.
      health_check: { path: "/v1/sys/health", matcher: "200,429", protocol: "HTTPS" },
    });
  });

  it("defect 7: is served inside, by TLS", () => {
    expect(theOnly(stack, "aws_lb").internal).toBe(true);
    const listeners = resources(stack, "aws_lb_listener").map(({ protocol, default_action }) => [
      protocol,
      (default_action as { type: string }[])[0]?.type,
    ]);
    expect(listeners).toEqual([
      ["HTTP", "redirect"],
      ["HTTPS", "forward"],
    ]);
  });

  it("keeps two of three nodes in a deployment, each on a host of its own", () => {
    const service = theOnly(stack, "aws_ecs_service");
    const kept = Math.ceil((Number(service.deployment_minimum_healthy_percent) / 100) * Number(service.desired_count));
    expect(kept).toBe(2);
    expect(service.placement_constraints).toEqual([{ type: "distinctInstance" }]);
  });

  it("may use its unseal key, and has its configuration as JSON", () => {
    expect(rightsOf(stack, "vault-task")).toContainEqual({
      Effect: "Allow",
      Action: ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"],
      Resource: [expect.stringContaining(":key/")],
    });
    const [container] = JSON.parse(String(theOnly(stack, "aws_ecs_task_definition").container_definitions));
    const variable = container.environment.find(({ name }: { name: string }) => name === "VAULT_LOCAL_CONFIG");
    expect(JSON.parse(variable.value)).toMatchObject({ storage: { raft: {} }, seal: { awskms: {} } });
  });
});

describe("the Consul example", () => {
  it("lets servers find each other by a tag that the hosts carry, and reach each other alone", () => {
    const stack = example("cluster-consul");
    const [container] = JSON.parse(String(theOnly(stack, "aws_ecs_task_definition").container_definitions));
    const [, key, value] = /tag_key=(\w+) tag_value=([\w-]+)/.exec(container.command[0]) ?? [];
    expect(theOnly(stack, "aws_autoscaling_group").tag).toContainEqual({ key, value, propagate_at_launch: true });
    for (const rule of resources(stack, "aws_vpc_security_group_ingress_rule")) {
      expect(rule.referenced_security_group_id).toBe(rule.security_group_id);
    }
  });
});
