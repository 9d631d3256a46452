/** What agents offer: name of a capability → its value. Names are compared without regard to case, as the vendor does. */
export type Capabilities = Readonly<Record<string, string>>;

/**
 * Whether agents with these capabilities satisfy a demand such as `kubectl`, `Agent.OS -equals Linux` or
 * `Agent.Version -gtVersion 2.182.1`. What is written in another way is taken to be unmet.
 * https://learn.microsoft.com/azure/devops/pipelines/yaml-schema/pool-demands
 */
export function satisfies(capabilities: Capabilities, demand: string): boolean {
  const [name = "", operator, ...rest] = demand.trim().split(/\s+/);
  const offered = Object.entries(capabilities).find(([each]) => each.toLowerCase() === name.toLowerCase())?.[1];
  if (offered === undefined) return false;
  if (operator === undefined) return true;
  const value = rest.join(" ");
  switch (operator.toLowerCase()) {
    case "-equals":
      return offered.toLowerCase() === value.toLowerCase();
    case "-gtversion":
      return compareVersions(offered, value) >= 0;
    default:
      return false;
  }
}

/** `-gtVersion` means "at least", in the vendor's own words. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split(".").map(Number));
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (Number.isNaN(difference)) return -1;
    if (difference !== 0) return difference;
  }
  return 0;
}
