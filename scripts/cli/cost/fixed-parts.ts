import { metricNames } from "../../../handlers/lib/core/ports.ts";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { type FixedPart, instanceHour, monthHours, type Prices } from "../../prices/index.ts";
import type { Block, TerraformStack } from "../lib/terraform-json.ts";
import type { Line } from "./line.ts";

/**
 * What the stack costs whether agents run or not. Everything is counted in the stack's synthesized resources, so that the
 * estimate follows what the stack makes.
 */
export function fixedLines(stack: LoadedStack, made: TerraformStack, prices: Prices): readonly Line[] {
  const parts: readonly (readonly [FixedPart, string, number])[] = [
    ["natGateway", "NAT gateway", made.resources("aws_nat_gateway").size],
    ["publicAddress", "elastic IP", made.resources("aws_eip").size],
    ["publicAddress", "public IP of a load balancer", balancerAddresses(made)],
    ["interfaceEndpoint", "interface endpoint, per zone", endpointZones(made)],
    ["loadBalancer", "load balancer", made.resources("aws_lb").size],
    ["alarm", "alarm, per metric", alarmMetrics(made)],
    ["metric", "metric", metrics(stack, made)],
    ["dashboard", "dashboard", made.resources("aws_cloudwatch_dashboard").size],
    ["secret", "secret", made.resources("aws_secretsmanager_secret").size],
    ["kmsKey", "KMS key", made.resources("aws_kms_key").size],
  ];
  const lines = parts.map(([part, name, count]): Line => {
    const { hourly, monthly } = prices;
    const isHourly = part in hourly;
    const unitPrice = isHourly ? hourly[part as keyof typeof hourly] : monthly[part as keyof typeof monthly];
    const perMonth = unitPrice * count * (isHourly ? monthHours : 1);
    return { name, count, unit: isHourly ? "hour" : "month", unitPrice, perMonth };
  });
  return [...lines, ...hostLines(stack, made, prices)].filter(({ count }) => count > 0);
}

const listed = (value: unknown): number => (Array.isArray(value) ? value.length : 1);

/** An interface endpoint costs its price in each zone. */
function endpointZones(made: TerraformStack): number {
  return [...made.resources("aws_vpc_endpoint").values()]
    .filter(({ vpc_endpoint_type: type }) => type === "Interface")
    .reduce((sum, { subnet_ids: subnets }) => sum + listed(subnets), 0);
}

/** A public load balancer has an address in each of its subnets. */
function balancerAddresses(made: TerraformStack): number {
  return [...made.resources("aws_lb").values()]
    .filter(({ internal }) => internal !== true)
    .reduce((sum, { subnets }) => sum + listed(subnets), 0);
}

/** AWS charges for each metric that an alarm reads. */
function alarmMetrics(made: TerraformStack): number {
  return [...made.resources("aws_cloudwatch_metric_alarm").values()].reduce((sum, alarm) => {
    const queries = (alarm.metric_query ?? []) as readonly Block[];
    return sum + Math.max(1, queries.filter(({ metric }) => metric !== undefined).length);
  }, 0);
}

/** Metrics that the loop records for each pool, and those of log filters. Each exists once it has a value. */
function metrics({ config }: LoadedStack, made: TerraformStack): number {
  const filters = made.resources("aws_cloudwatch_log_metric_filter").size;
  if (config.kind === "ec2-fleet") return metricNames.length + filters;
  return config.kind === "ecs-fleet" ? metricNames.length * (config.pools?.length ?? 1) + filters : filters;
}

/** The fewest hosts of a cluster, with their disks. */
function hostLines({ config }: LoadedStack, made: TerraformStack, prices: Prices): readonly Line[] {
  if (config.kind !== "ecs-cluster") return [];
  const count = [...made.resources("aws_autoscaling_group").values()].reduce(
    (sum, { min_size: min }) => sum + Number(min ?? 0),
    0,
  );
  const { instances, volume } = config.hosts;
  const type = "types" in instances ? instances.types[0] : undefined;
  const hour = type === undefined ? undefined : instanceHour(type, prices);
  const disk = volume.sizeGiB * count;
  return [
    {
      name: `host, ${type ?? "of a type that AWS chooses"}`,
      count,
      unit: "hour",
      unitPrice: hour,
      perMonth: hour === undefined ? undefined : hour * monthHours * count,
    },
    {
      name: "GiB of the hosts' disks",
      count: disk,
      unit: "month",
      unitPrice: prices.monthly.diskGib,
      perMonth: prices.monthly.diskGib * disk,
    },
  ];
}
