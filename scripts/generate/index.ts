/** `npm run schema`: writes what is generated from the config schema and from the tree of files. */
import { writeFileSync } from "node:fs";
import { generated } from "./generated.ts";

for (const [path, content] of Object.entries(generated())) {
  writeFileSync(new URL(`../../${path}`, import.meta.url), content);
  process.stdout.write(`wrote ${path}\n`);
}
