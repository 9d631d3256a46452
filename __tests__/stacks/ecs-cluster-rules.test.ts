import { describe, expect, it } from "vitest";
import { synthCluster, web, withServices } from "./ecs-cluster.ts";
import { resources, theOnly } from "./synth.ts";

describe("a way in to a service", () => {
  it("offers a port in Service Connect, to the services that take part", () => {
    const cache = { name: "cache", image: "redis:8.0.2", ports: [{ name: "redis", containerPort: 6379 }] };
    const stack = withServices([
      { ...web, serviceConnect: {} },
      { ...cache, serviceConnect: { port: "redis" } },
      { ...cache, name: "stranger" },
    ]);
    const [server, stranger, client] = resources(stack, "aws_ecs_service");
    expect(client?.service_connect_configuration).not.toHaveProperty("service");
    expect(server?.service_connect_configuration).toMatchObject({
      service: [{ port_name: "redis", discovery_name: "cache", client_alias: { dns_name: "cache", port: 6379 } }],
    });
    expect(stranger).not.toHaveProperty("service_connect_configuration");
    expect(theOnly(stack, "aws_service_discovery_http_namespace").name).toBe("apps");
    const toRedis = resources(stack, "aws_vpc_security_group_ingress_rule").filter((rule) => rule.from_port === 6379);
    expect(toRedis).toMatchObject([{ referenced_security_group_id: expect.stringContaining("web_security-group") }]);
  });

  it("with bridged ports is reached in Service Connect on the ports that its proxy takes from the host", () => {
    const cache = { name: "cache", image: "redis:8.0.2", ports: [{ name: "redis", containerPort: 6379 }] };
    const stack = withServices([
      { ...web, loadBalancer: undefined, serviceConnect: {} },
      { ...cache, networkMode: "bridge", serviceConnect: { port: "redis" } },
    ]);
    const rules = resources(stack, "aws_vpc_security_group_ingress_rule").filter((rule) => !rule.cidr_ipv4);
    expect(rules).toMatchObject([
      {
        from_port: 32_768,
        to_port: 65_535,
        security_group_id: expect.stringContaining("hosts_security-group"),
        referenced_security_group_id: expect.stringContaining("web_security-group"),
      },
    ]);
  });

  it("with a fixed port of the host is reached there by the balancer", () => {
    const ports = [{ name: "http", containerPort: 8080, hostPort: 80 }];
    const stack = withServices([{ ...web, networkMode: "bridge", ports }]);
    const rules = ["ingress", "egress"].flatMap((way) => resources(stack, `aws_vpc_security_group_${way}_rule`));
    const between = rules.filter((rule) => rule.referenced_security_group_id);
    expect(between).toMatchObject([
      { from_port: 80, to_port: 80 },
      { from_port: 80, to_port: 80 },
    ]);
  });

  it("opens no way twice, which AWS refuses, where several share the group of their hosts", () => {
    const bridged = { networkMode: "bridge", serviceConnect: { port: "http" } };
    const [one, two, client] = ["one", "two", "client"].map((name) => ({ ...web, ...bridged, name }));
    const stack = withServices([
      { ...one, loadBalancer: { port: "http", paths: ["/one"] } },
      { ...two, loadBalancer: { port: "http", paths: ["/two"] } },
      { ...client, loadBalancer: undefined },
    ]);
    for (const way of ["ingress", "egress"]) {
      const rules = resources(stack, `aws_vpc_security_group_${way}_rule`)
        .filter(({ referenced_security_group_id: other }) => other !== undefined)
        .map(({ description: _, ...rule }) => JSON.stringify(rule));
      expect(rules).toHaveLength(way === "ingress" ? 2 : 1);
      expect(new Set(rules).size).toBe(rules.length);
    }
  });

  it("lets in whom the config names, and nobody else", () => {
    const stack = synthCluster({
      services: [
        { name: "a", image: "a:1.0" },
        {
          name: "b",
          image: "b:1.0",
          ingress: [
            { from: 8300, to: 8302, services: ["a", "b"] },
            { from: 53, protocol: "udp", cidrs: ["10.0.0.0/8"] },
          ],
        },
      ],
    });
    const rules = resources(stack, "aws_vpc_security_group_ingress_rule");
    expect(rules).toMatchObject([
      { from_port: 8300, to_port: 8302, referenced_security_group_id: expect.stringContaining("service_a_") },
      { from_port: 8300, to_port: 8302, referenced_security_group_id: expect.stringContaining("service_b_") },
      { from_port: 53, to_port: 53, ip_protocol: "udp", cidr_ipv4: "10.0.0.0/8" },
    ]);
    for (const rule of rules) expect(rule.security_group_id).toContain("service_b_");
  });

  it("on its host's network is reached through the hosts' group", () => {
    const consul = { name: "consul", image: "consul:1.0", networkMode: "host" };
    const stack = synthCluster({ services: [{ ...consul, ingress: [{ from: 8301, services: ["consul"] }] }] });
    const hosts = expect.stringContaining("hosts_security-group");
    expect(resources(stack, "aws_vpc_security_group_ingress_rule")).toMatchObject([
      { from_port: 8301, security_group_id: hosts, referenced_security_group_id: hosts },
    ]);
    expect(theOnly(stack, "aws_ecs_service")).not.toHaveProperty("network_configuration");
  });
});
