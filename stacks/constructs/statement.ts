/** One statement of an IAM policy. */
export interface Statement {
  /** @default Allow */
  readonly effect?: "Allow" | "Deny";
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** The value of a condition that one of these texts fulfils. */
export function oneOrSeveral(texts: readonly string[]): string | readonly string[] {
  return texts.length === 1 ? String(texts[0]) : texts;
}

/** IAM policy JSON of statements. */
export function policyDocument(statements: readonly Statement[]): string {
  return `{"Version":"2012-10-17","Statement":[${statements.map(statementJson).join(",")}]}`;
}

/** JSON of one statement, as in a policy. */
export function statementJson({ effect = "Allow", actions, resources, condition }: Statement): string {
  return JSON.stringify({
    Effect: effect,
    Action: actions,
    Resource: resources,
    ...(condition && { Condition: condition }),
  });
}
