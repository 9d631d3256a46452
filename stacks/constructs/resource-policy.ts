/** An AWS service that may act on behalf of the given sources only: ARNs, in which `*` matches any text. */
export interface AllowedService {
  readonly service: string;
  readonly sources: readonly string[];
}

/** A policy that lets AWS services act on a resource, on behalf of their sources only. */
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
