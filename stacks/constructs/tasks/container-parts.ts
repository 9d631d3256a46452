/** ECS returns variables sorted. So we sort them too, or every plan would show a change. */
export function sortedVariables(variables: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(variables)
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Secrets of a container definition. @param secrets variable → ARN, with a JSON key if only one is meant */
export function secretReferences(secrets: Readonly<Record<string, string>>): { name: string; valueFrom: string }[] {
  return sortedVariables(secrets).map(({ name, value }) => ({ name, valueFrom: value }));
}

/** Log settings of a container: its output goes to streams `<prefix>/<container>/<task>` of a log group. */
export function awsLogs({ logGroup, region }: { readonly logGroup: string; readonly region: string }, prefix: string) {
  return {
    logDriver: "awslogs",
    options: { "awslogs-group": logGroup, "awslogs-region": region, "awslogs-stream-prefix": prefix },
  };
}

/**
 * Linux parameters of a container. ECS stores `add` and `drop` where either is given, and drops capabilities without
 * either; the provider compares both forms as they are (`containerDefinitionsAreEquivalent`).
 */
export function linuxParameters(init: boolean, capabilities: readonly string[] = []) {
  return {
    initProcessEnabled: init,
    ...(capabilities.length > 0 && { capabilities: { add: capabilities, drop: [] } }),
  };
}

/** With what ECS signs in to an image's registry. Left out of containers without credentials. */
export function repositoryCredentials({
  repositoryCredentialsArn: credentialsParameter,
}: {
  readonly repositoryCredentialsArn?: string | undefined;
}) {
  return credentialsParameter === undefined ? {} : { repositoryCredentials: { credentialsParameter } };
}
