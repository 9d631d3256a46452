import { createHash } from "node:crypto";

/** Priority of a service's listener rule: the given one, else one that does not depend on the other services. */
export function rulePriority(service: {
  readonly name: string;
  readonly loadBalancer: { readonly priority?: number | undefined };
}): number {
  const given = service.loadBalancer.priority;
  if (given !== undefined) return given;
  return 1000 + (createHash("sha256").update(service.name).digest().readUInt32BE() % 49_000);
}

/** Whether a service takes every request that no other service takes. */
export function isDefaultTarget(target: {
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
}): boolean {
  return target.hosts.length === 0 && target.paths.length === 0;
}
