import { visibleLine } from "../../handlers/lib/core/visible.ts";
import { ConfigError, UnknownStackError } from "./errors.ts";
import { stackName } from "./names.ts";
import { check } from "./reading/explain.ts";
import {
  type ConfigFile,
  type ConfigFiles,
  type ConfigSource,
  listConfigFiles,
  readConfigFile,
} from "./reading/files.ts";
import { nearest } from "./reading/nearest.ts";
import { report, toFinding } from "./reading/report.ts";
import { type Path, parseYaml, type YamlTree } from "./reading/yaml-tree.ts";
import { explainReferences, referenceWarnings } from "./references.ts";
import { type StackConfig, stackConfig } from "./schema.ts";
import { isForeignSecret } from "./vendors/index.ts";
import { warningsOf } from "./warnings.ts";

/** One config file, checked and with its defaults. */
export interface LoadedStack {
  /** Name of the stack: the file's name without extension. */
  readonly name: string;
  /** The file, relative to the working directory. */
  readonly file: string;
  readonly config: StackConfig;
}

/** What {@link loadStacks} resolves to. */
export interface LoadedStacks {
  /** In the order of their files' names. */
  readonly stacks: readonly LoadedStack[];
  /** Warnings, one line each. They stop nothing. */
  readonly warnings: readonly string[];
}

/** Loads every config file. Throws one {@link ConfigError} with all errors of all files. */
export function loadStacks(source: ConfigSource): LoadedStacks {
  const { files, neighbours } = filesOf(source);
  const results = files.map(loadFile);
  const across = (find: FindBetween) => results.flatMap((result) => betweenStacks(result, results, find));
  const wrong = across((config, stacks) => explainReferences(config, stacks, neighbours));
  const loaded = combine(results, [...duplicates(files), ...wrong]);
  return { ...loaded, warnings: [...loaded.warnings, ...across(referenceWarnings)] };
}

/** Loads one stack and ignores errors in other files. Throws {@link ConfigError}. */
export function loadStack(name: string, source: ConfigSource): LoadedStack & { readonly warnings: readonly string[] } {
  const { files } = filesOf(source);
  const named = files.filter(({ stack }) => stack === name);
  if (named.length === 0) {
    const names = files.map(({ stack }) => stack);
    const guess = nearest(name, names);
    throw new UnknownStackError([
      `there is no stack ${JSON.stringify(name)}${guess ? `, did you mean ${guess}?` : "."} Stacks: ${names.join(", ")}`,
    ]);
  }
  const { stacks, warnings } = combine(named.map(loadFile), duplicates(named));
  const [stack] = stacks;
  if (!stack) throw new ConfigError([`stack ${name} could not be loaded`]);
  return { ...stack, warnings };
}

interface FileResult {
  readonly stack?: LoadedStack;
  readonly tree?: YamlTree;
  readonly warnings?: readonly string[];
  readonly errors?: readonly string[];
}

function filesOf(source: ConfigSource): ConfigFiles {
  const listed = listConfigFiles(source);
  if ("error" in listed) throw new ConfigError([listed.error]);
  return listed;
}

function combine(results: readonly FileResult[], more: readonly string[]): LoadedStacks {
  const errors = [...results.flatMap((result) => result.errors ?? []), ...more];
  if (errors.length > 0) throw new ConfigError(errors);
  return {
    stacks: results.flatMap(({ stack }) => stack ?? []),
    warnings: results.flatMap(({ warnings }) => warnings ?? []),
  };
}

function loadFile({ stack, file, path }: ConfigFile): FileResult {
  const name = stackName.safeParse(stack);
  const nameErrors = (name.error?.issues ?? []).map(
    ({ message }) =>
      `${file}: the file's name is the stack's name, which ${message}, found ${visibleLine(JSON.stringify(stack))}`,
  );
  const read = readConfigFile(path);
  if ("error" in read) return { errors: [...nameErrors, `${file}: ${read.error}`] };
  const tree = parseYaml(read.text);
  const checked = tree.usable ? check(stackConfig, tree.value, foreignSecrets(tree.value)) : { explanations: [] };
  const explanations = "explanations" in checked ? checked.explanations.filter(({ path }) => !isProto(path)) : [];
  const findings = [...tree.findings, ...explanations.map((explanation) => toFinding(tree, explanation))];
  const errors = [...nameErrors, ...report(file, tree, findings)];
  if (errors.length > 0 || "explanations" in checked) return { errors };
  const config = checked.value;
  const warnings = report(
    file,
    tree,
    warningsOf(config).map((warning) => toFinding(tree, warning)),
  );
  return { stack: { name: stack, file, config }, tree, warnings };
}

/** The tree has a better word for this key. */
const isProto = (path: Path) => path.at(-1) === "__proto__";

/** Recognizes secrets of other vendors, which an error about this fleet should not propose. */
function foreignSecrets(config: unknown) {
  return ([parent, key, ...below]: Path) =>
    parent === "secrets" && below.length === 0 && isForeignSecret(config, String(key));
}

type FindBetween = typeof referenceWarnings;

/** The findings of `find` between a stack and the stacks of its folder that it depends on. */
function betweenStacks({ stack, tree }: FileResult, all: readonly FileResult[], find: FindBetween): string[] {
  if (!stack || !tree) return [];
  const stacks = all.flatMap((other) => other.stack ?? []);
  const findings = find(stack.config, stacks).map((explanation) => toFinding(tree, explanation));
  return report(stack.file, tree, findings);
}

/** Errors about files that would make the same stack. */
function duplicates(files: readonly ConfigFile[]): string[] {
  return files.flatMap(({ stack, file }, index) => {
    const first = files.findIndex((other) => other.stack === stack);
    return first === index ? [] : [`${file}: makes the same stack as ${files[first]?.file}; keep one of them`];
  });
}
