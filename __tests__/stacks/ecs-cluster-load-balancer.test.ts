import { describe, expect, it } from "vitest";
import { synthCluster, web, withServices } from "./ecs-cluster.ts";
import { resources, type Synthesized, theOnly } from "./synth.ts";

const api = { ...web, name: "api", loadBalancer: { port: "http", hosts: ["api.example.com"], paths: ["/v1/*"] } };
const certificateArn = "arn:aws:acm:us-west-2:123456789012:certificate/11111111-2222-3333-4444-555555555555";

describe("the shared load balancer", () => {
  it("is internal and speaks HTTP inside unless told otherwise", () => {
    const stack = withServices([web]);
    expect(theOnly(stack, "aws_lb")).toMatchObject({
      name: "alb-apps",
      internal: true,
      load_balancer_type: "application",
      drop_invalid_header_fields: true,
    });
    expect(theOnly(stack, "aws_lb_listener")).toMatchObject({ port: 80, protocol: "HTTP" });
  });

  it("with a certificate serves HTTPS and redirects HTTP", () => {
    const stack = withServices([web], { loadBalancer: { certificateArn, allowCidrs: ["10.1.0.0/16"] } });
    const [http, https] = resources(stack, "aws_lb_listener");
    expect(http).toMatchObject({
      port: 80,
      default_action: [{ type: "redirect", redirect: { port: "443", protocol: "HTTPS", status_code: "HTTP_301" } }],
    });
    expect(https).toMatchObject({
      port: 443,
      certificate_arn: certificateArn,
      ssl_policy: expect.stringContaining("TLS13"),
      default_action: [{ type: "forward", target_group_arn: expect.stringContaining("target-web") }],
    });
    const rules = resources(stack, "aws_vpc_security_group_ingress_rule").filter((rule) => rule.cidr_ipv4);
    expect(rules.map(({ from_port, cidr_ipv4 }) => [from_port, cidr_ipv4])).toEqual([
      [443, "10.1.0.0/16"],
      [80, "10.1.0.0/16"],
    ]);
  });

  it("several services share it, each by hosts and paths; what nobody takes is 404", () => {
    const stack = withServices([api, { ...api, name: "shop", loadBalancer: { port: "http", paths: ["/shop/*"] } }]);
    const rules = resources(stack, "aws_lb_listener_rule");
    expect(rules.map(({ condition }) => condition)).toEqual([
      [{ host_header: { values: ["api.example.com"] } }, { path_pattern: { values: ["/v1/*"] } }],
      [{ path_pattern: { values: ["/shop/*"] } }],
    ]);
    expect(theOnly(stack, "aws_lb_listener").default_action).toMatchObject([
      { type: "fixed-response", fixed_response: { status_code: "404" } },
    ]);
    expect(resources(stack, "aws_lb_target_group")).toHaveLength(2);
  });

  it("a rule keeps its priority whatever other services come and go", () => {
    const priorityOf = (stack: Synthesized) =>
      Object.entries(stack.resource.aws_lb_listener_rule ?? {}).find(([id]) => id.includes("rule-api"))?.[1].priority;
    const other = { ...api, name: "zero", loadBalancer: { port: "http", paths: ["/0"] } };
    expect(priorityOf(withServices([other, api]))).toBe(priorityOf(withServices([api])));
  });

  it("target groups ask the health path and let requests finish", () => {
    const target = { port: "http", healthPath: "/healthz", healthCodes: "200-299", deregistrationDelaySeconds: 30 };
    expect(theOnly(withServices([{ ...web, loadBalancer: target }]), "aws_lb_target_group")).toMatchObject({
      target_type: "ip",
      port: 8080,
      deregistration_delay: "30",
      health_check: { path: "/healthz", matcher: "200-299" },
      lifecycle: { create_before_destroy: true },
    });
    const [standard] = resources(withServices([web]), "aws_lb_target_group");
    expect(standard).toMatchObject({ deregistration_delay: "300", health_check: { path: "/" } });
  });

  it("a target group that must be replaced gets another name, of 32 characters at most", () => {
    const nameOf = (service: object) => String(theOnly(withServices([service]), "aws_lb_target_group").name);
    const long = { ...web, name: "eighteen-letters-x" };
    expect(nameOf(long).length).toBeLessThanOrEqual(32);
    expect(nameOf({ ...long, ports: [{ name: "http", containerPort: 9090 }] })).not.toBe(nameOf(long));
    const far = synthCluster({ loadBalancer: {}, services: [web] }, `a${"b".repeat(39)}`);
    expect(String(theOnly(far, "aws_lb").name).length).toBe(32);
  });

  it("stands in the network's public subnets where it faces the internet", () => {
    const network = { create: { availabilityZones: 2 } };
    const loadBalancer = { scheme: "internet-facing", certificateArn };
    const subnets = theOnly(withServices([web], { network, loadBalancer }), "aws_lb").subnets as string[];
    expect(subnets).toHaveLength(2);
    for (const subnet of subnets) expect(subnet).toContain("public");
    expect(theOnly(withServices([web], { network }), "aws_lb").subnets).toEqual([
      expect.stringContaining("private"),
      expect.stringContaining("private"),
    ]);
  });

  it("reaches its services' ports and nothing else", () => {
    const stack = withServices([web, { ...api, networkMode: "bridge" }]);
    const [balancerGroup] = Object.keys(stack.resource.aws_security_group ?? {}).filter((id) =>
      id.startsWith("load-balancer"),
    );
    const out = resources(stack, "aws_vpc_security_group_egress_rule").filter((rule) =>
      String(rule.security_group_id).includes(String(balancerGroup)),
    );
    expect(out.map(({ from_port, to_port }) => [from_port, to_port])).toEqual([
      [32768, 65535],
      [8080, 8080],
    ]);
    expect(out[0]?.referenced_security_group_id).toContain("hosts_security-group");
  });
});
