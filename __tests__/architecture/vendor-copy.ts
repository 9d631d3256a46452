import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { vendorFiles, vendorRegistries } from "./vendor-parts.ts";

/** What a command of a copy said and how it ended. */
interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** A copy of the project's sources, to which vendors can be added as a contributor adds them. */
export interface ProjectCopy {
  readonly folder: string;
  /** Adds the files of a template folder, each where {@link vendorFiles} says. */
  addFiles(id: string, template: string): void;
  /** Adds the vendor's lines to some registries, all that there are by default. */
  addLines(id: string, lines: VendorLines, registries?: readonly string[]): void;
  /** Writes a file. */
  write(path: string, text: string): void;
  /** Runs a program of node_modules. */
  run(program: string, ...args: readonly string[]): Promise<Outcome>;
}

/** The names that a vendor's files export for the registries; `undefined`: it has none of the kind. */
export interface VendorLines {
  readonly settings: string;
  readonly client: string;
  readonly retirement: string | undefined;
  readonly webhook: string | undefined;
  readonly config: string;
  readonly synth: string;
}

const sources = ["main.ts", "package.json", "tsconfig.json", "vitest.config.ts", "config", "agents", "docs/adr"];
const typescript = ["stacks", "handlers", "scripts", "__tests__"];

/** Copies the sources from `root` to a new folder. The packages are shared with it. */
export function copyProject(root: string): ProjectCopy {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-vendors-"));
  const withoutSnapshots = (path: string) => !path.includes("__snapshots__");
  for (const source of [...sources, ...typescript]) {
    cpSync(join(root, source), join(folder, source), { recursive: true, filter: withoutSnapshots });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));

  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const change = (path: string, edit: (text: string) => string) =>
    write(path, edit(readFileSync(join(folder, path), "utf8")));

  return {
    folder,
    write,
    addFiles(id, template) {
      for (const { template: name, path } of vendorFiles) {
        const file = join(root, template, name);
        if (existsSync(file)) write(path.replaceAll("<id>", id), readFileSync(file, "utf8"));
      }
    },
    addLines(id, lines, registries = vendorRegistries.map(({ path }) => path)) {
      for (const { path, below } of vendorRegistries.filter((registry) => registries.includes(registry.path))) {
        const { name, from, key } = registration(path, id, lines);
        change(path, (text) => {
          if (!below.test(text)) throw new Error(`${path} has no line like ${below}`);
          const entry = key ? `${JSON.stringify(id)}: ${name},` : `${name},`;
          const added = text.replace(below, (line) => `${line}\n  ${entry}`);
          return name === undefined ? added : `import { ${name} } from "${from}";\n${added}`;
        });
      }
    },
    run: (program, ...args) =>
      new Promise((resolve) => {
        const env = Object.fromEntries(
          Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV)/.test(name)),
        );
        execFile(join(folder, "node_modules/.bin", program), args, { cwd: folder, env }, (error, stdout, stderr) =>
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
        );
      }),
  };
}

/** What is imported in a registry, from where, and whether the registry knows it by the vendor's id. */
function registration(path: string, id: string, lines: VendorLines) {
  switch (path) {
    case "handlers/lib/settings/vendors.ts":
      return { name: lines.settings, from: `./vendors/${id}.ts`, key: false };
    case "handlers/lib/vendors/clients.ts":
      return { name: lines.client, from: `./${id}/client.ts`, key: true };
    case "handlers/lib/vendors/retirement.ts":
      return { name: lines.retirement, from: `./${id}/retirement.ts`, key: true };
    case "handlers/lib/vendors/webhooks.ts":
      return { name: lines.webhook, from: `./${id}/webhook.ts`, key: true };
    case "stacks/config/vendors/index.ts":
      return { name: lines.config, from: `./${id}.ts`, key: true };
    case "stacks/vendors/index.ts":
      return { name: lines.synth, from: `./${id}.ts`, key: true };
    default:
      throw new Error(`no rule says what a vendor's line in ${path} is`);
  }
}
