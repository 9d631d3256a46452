import { generateConfigDocs } from "./config-docs.ts";
import { pictures } from "./pictures/pictures.ts";
import { whereThingsLive } from "./where-things-live.ts";

/** Everything that `npm run schema` writes, by path from the project's root; the same on every machine. */
export function generated(): Readonly<Record<string, string>> {
  return { ...generateConfigDocs(), "docs/where-things-live.md": whereThingsLive(), ...pictures() };
}
