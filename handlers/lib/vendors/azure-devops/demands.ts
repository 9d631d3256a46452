import type { Capabilities } from "../../settings/vendors/azure-devops-agent.ts";

/**
 * Whether agents with these capabilities satisfy a demand such as `kubectl`, `Agent.OS -equals Linux` or `Agent.Version
 * -gtVersion 2.182.1`. Names and values are compared without regard to case. Demands in another form and demands for a
 * value that is still unknown count as unmet.
 *
 * https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/pool-demands; the comparison is that of DemandEquals
 * and DemandMinimumVersion, in https://github.com/actions/runner/tree/main/src/Sdk/DTWebApi/WebApi.
 */
export function satisfies(capabilities: Capabilities, demand: string): boolean {
  const [name = "", operator, ...rest] = demand.trim().split(/\s+/);
  const capability = Object.entries(capabilities).find(([each]) => each.toLowerCase() === name.toLowerCase());
  if (capability === undefined) return false;
  if (operator === undefined) return true;
  const [, offered] = capability;
  if (offered === undefined) return false;
  const value = rest.join(" ");
  switch (operator.toLowerCase()) {
    case "-equals":
      return offered.toLowerCase() === value.toLowerCase();
    case "-gtversion":
      return isAtLeast(offered, value);
    default:
      return false;
  }
}

/**
 * By the vendor's documentation, `-gtVersion` means "at least". A demand without a version of two to four numbers is
 * always met. A missing number is less than zero. Text after a dash is ignored.
 */
function isAtLeast(offered: string, demanded: string): boolean {
  const [least, version] = [numbersOf(demanded), numbersOf(offered)];
  if (least === undefined || version === undefined) return least === undefined;
  const index = least.findIndex((number, position) => number !== version[position]);
  return index < 0 || (version[index] ?? -1) > (least[index] ?? -1);
}

function numbersOf(version: string): readonly number[] | undefined {
  const [numbers = ""] = version.split("-");
  if (!/^\d+(?:\.\d+){1,3}$/.test(numbers)) return undefined;
  const given = numbers.split(".").map(Number);
  return [0, 1, 2, 3].map((position) => given[position] ?? -1);
}
