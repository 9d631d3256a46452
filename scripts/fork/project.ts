import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** CDK Terrain, the community's fork of CDKTF, with the prebuilt providers that it has. */
const packages = {
  "@cdktn/provider-archive": "14.0.1",
  "@cdktn/provider-aws": "25.7.0",
  cdktn: "0.24.0",
  // The fork's providers refuse 10.8.
  constructs: ">=10.6.0 <10.8.0",
} as const;

/** The packages' folder: in `node_modules`, so that `npm ci` removes it with the others. */
const installed = join(root, "node_modules/.cache/agent-fleets/fork");

/** The project's parts that a synth reads. */
const sources = ["agents", "config", "handlers", "main.ts", "scripts", "stacks", "tsconfig.json"];

/** Whether {@link installFork} has put all packages in their place. */
export function isForkInstalled(): boolean {
  return Object.keys(packages).every((name) => existsSync(join(installed, "node_modules", name, "package.json")));
}

/** Installs the fork beside our packages, some 500 MB. Returns npm's reason if it cannot be had. */
export function installFork(): string | undefined {
  mkdirSync(installed, { recursive: true });
  writeFileSync(join(installed, "package.json"), JSON.stringify({ private: true, dependencies: packages }));
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const { status, stderr, error } = spawnSync("npm", ["install", ...quiet], { cwd: installed, encoding: "utf8" });
  return status === 0 ? undefined : (error?.message ?? stderr);
}

/**
 * Copies the project to `folder`, where `imports` of package.json name the fork. Only our own code takes part in the
 * swap: a file that names `@cdktf/…` itself finds no such package there.
 */
export function copyOnFork(folder: string): void {
  for (const source of sources) cpSync(join(root, source), join(folder, source), { recursive: true });
  const { imports, dependencies, ...rest } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const onFork = { ...rest, imports: mapped(imports, "values"), dependencies: mapped(dependencies, "keys") };
  writeFileSync(join(folder, "package.json"), JSON.stringify(onFork));

  const link = (from: string, name: string) => {
    const to = join(folder, "node_modules", name);
    mkdirSync(dirname(to), { recursive: true });
    symlinkSync(from, to, "junction");
  };
  const ours = join(root, "node_modules");
  const others = readdirSync(ours).filter((name) => !/^(\.|@cdktf$|cdktf$|constructs$)/.test(name));
  for (const name of others) link(join(ours, name), name);
  for (const name of Object.keys(packages)) link(join(installed, "node_modules", name), name);
  // There is no prebuilt tfe provider for the fork. Ours works on it, and finds it by its old name.
  cpSync(join(ours, "@cdktf/provider-tfe"), join(folder, "node_modules/@cdktf/provider-tfe"), { recursive: true });
  link(join(installed, "node_modules/cdktn"), "cdktf");
}

/** The same with the fork's packages in place of ours. */
function mapped(names: Readonly<Record<string, string>>, where: "keys" | "values"): Readonly<Record<string, string>> {
  const prebuilt = /^@cdktf(?=\/provider-(aws|archive)(\/|$))|^cdktf$/;
  const swapped = (name: string) => name.replace(prebuilt, (found) => found.replace("cdktf", "cdktn"));
  const entries = Object.entries(names).map(([key, value]) =>
    where === "keys" ? [swapped(key), value] : [key, swapped(value)],
  );
  return Object.fromEntries(entries);
}

/** Synthesizes all of config/ with the program of a project's folder. Throws its errors. */
export function synthesize(project: string, output: string): void {
  mkdirSync(output, { recursive: true });
  const env = {
    ...process.env,
    AGENT_FLEETS_CONFIG: "config",
    AGENT_FLEETS_LOCAL_STATE: "allow",
    CDKTF_OUTDIR: output,
  };
  const done: SpawnSyncReturns<string> = spawnSync(process.execPath, ["scripts/synth.js"], {
    cwd: project,
    encoding: "utf8",
    env,
  });
  if (done.status !== 0) throw new Error(`the synth in ${project} failed:\n${done.stderr}`);
}
