/** ECS keeps variables sorted; so do we, or every plan would show a change. */
export function sortedVariables(variables: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(variables)
    .map(([name, value]) => ({ name, value }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Secrets as a container definition wants them. @param secrets variable → ARN, with the key of its JSON where it has one */
export function secretReferences(secrets: Readonly<Record<string, string>>): { name: string; valueFrom: string }[] {
  return sortedVariables(secrets).map(({ name, value }) => ({ name, valueFrom: value }));
}

/** Where a container's output goes: streams `<prefix>/<container>/<task>` of a log group. */
export function awsLogs({ logGroup, region }: { readonly logGroup: string; readonly region: string }, prefix: string) {
  return {
    logDriver: "awslogs",
    options: { "awslogs-group": logGroup, "awslogs-region": region, "awslogs-stream-prefix": prefix },
  };
}
