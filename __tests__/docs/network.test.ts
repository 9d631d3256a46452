import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { network } from "../stacks/network.ts";
import { resources } from "../stacks/synth.ts";

describe("docs/network.md", () => {
  const prices = { natGateway: 0.045, publicAddress: 0.005, interfaceEndpointPerZone: 0.01 };
  const hours = 730;

  function monthlyCost(egress: string, availabilityZones: number): string {
    const stack = network({ egress, availabilityZones });
    const interfaces = resources(stack, "aws_vpc_endpoint").flatMap(({ subnet_ids }) => subnet_ids ?? []);
    const hourly =
      resources(stack, "aws_nat_gateway").length * prices.natGateway +
      resources(stack, "aws_eip").length * prices.publicAddress +
      interfaces.length * prices.interfaceEndpointPerZone;
    return (hourly * hours).toFixed(2);
  }

  it.each([
    "single-nat",
    "nat-per-az",
    "public-ip",
    "endpoints-only",
  ])("states what %s costs, from the prices it states and the resources there are", (egress) => {
    const text = readFileSync("docs/network.md", "utf8");
    const rows = [
      ...Object.values(prices).map((price) => `| ${price} |`),
      `| \`${egress}\` | ${monthlyCost(egress, 2)} | ${monthlyCost(egress, 3)} |`,
    ];
    const missing = rows.filter((row) => !text.includes(row));
    expect(missing, "correct the tables of prices and costs in docs/network.md: they need these cells").toEqual([]);
  });
});
