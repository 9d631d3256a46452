// Imported before any package, so that a clone without its packages, or with some of them, says what to do.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
const names = Object.keys(dependencies);
const missing = names.filter((name) => !existsSync(`${root}/node_modules/${name}/package.json`));
if (missing.length > 0) {
  const some = missing.length < names.length ? `lacks packages (${missing.join(", ")})` : "has no packages yet";
  process.stderr.write(`agent-fleets ${some}. Run "npm ci" in ${root}, and let it end.\n`);
  process.exit(1);
}
