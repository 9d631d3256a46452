/** A field of a GraphQL operation with its arguments. */
export interface Selection {
  readonly name: string;
  /** With the values of the operation's variables. */
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly fields: readonly Selection[];
}

/** An operation that does not fit the schema. The server answers with its message. */
export class GraphqlError extends Error {}

/** The fields of one operation: enough of GraphQL for clients that use variables and neither aliases nor fragments. */
export function parseOperation(
  query: string,
  variables: Readonly<Record<string, unknown>>,
): { readonly type: "query" | "mutation"; readonly fields: readonly Selection[] } {
  const tokens = query.match(/\$?\w+|[{}():!]/g) ?? [];
  let at = 0;

  function expect(token: string): void {
    if (tokens[at] !== token) throw new GraphqlError(`Syntax Error: Expected "${token}", found "${tokens[at]}".`);
    at += 1;
  }

  function skipDeclarations(): void {
    if (tokens[at] !== "(") return;
    while (tokens[at] !== ")") at += 1;
    at += 1;
  }

  function argumentsOf(): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    if (tokens[at] !== "(") return values;
    at += 1;
    while (tokens[at] !== ")") {
      const name = tokens[at] ?? "";
      at += 1;
      expect(":");
      const variable = (tokens[at] ?? "").replace("$", "");
      if (!Object.hasOwn(variables, variable)) throw new GraphqlError(`Variable "$${variable}" is not defined.`);
      values[name] = variables[variable];
      at += 1;
    }
    at += 1;
    return values;
  }

  function fieldsOf(): Selection[] {
    if (tokens[at] !== "{") return [];
    at += 1;
    const fields: Selection[] = [];
    while (tokens[at] !== "}") {
      if (at >= tokens.length) throw new GraphqlError("Syntax Error: Expected Name, found <EOF>.");
      const name = tokens[at] ?? "";
      at += 1;
      fields.push({ name, arguments: argumentsOf(), fields: fieldsOf() });
    }
    at += 1;
    return fields;
  }

  const type = tokens[at] === "mutation" ? "mutation" : "query";
  if (tokens[at] === "query" || tokens[at] === "mutation") at += 1;
  skipDeclarations();
  return { type, fields: fieldsOf() };
}

/** The requested fields of an object. */
export function select(
  type: string,
  value: Readonly<Record<string, unknown>> | undefined,
  fields: readonly Selection[],
): Record<string, unknown> | null {
  if (value === undefined) return null;
  return Object.fromEntries(
    fields.map(({ name }) => {
      if (!Object.hasOwn(value, name)) throw new GraphqlError(`Cannot query field "${name}" on type "${type}".`);
      return [name, value[name]];
    }),
  );
}
