/** A service of AWS that may act, on behalf of these sources alone: ARNs, in which `*` stands for anything. */
export interface AllowedService {
  readonly service: string;
  readonly sources: readonly string[];
}

/** Lets services of AWS act on a resource, on behalf of their sources alone. */
export function resourcePolicy(resource: string, action: string, allowed: readonly AllowedService[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: allowed.map(({ service, sources }) => ({
      Effect: "Allow",
      Principal: { Service: service },
      Action: action,
      Resource: resource,
      Condition: { ArnLike: { "aws:SourceArn": sources } },
    })),
  });
}
