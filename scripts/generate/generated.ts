import { policiesPicture } from "../policies/chart.ts";
import { readFigures } from "../policies/figures.ts";
import { policiesPage } from "../policies/page.ts";
import { generateConfigDocs } from "./config-docs.ts";
import { decisions } from "./decisions.ts";
import { deployRights } from "./deploy-rights.ts";
import { operatorRights } from "./operator-rights.ts";
import { pictures } from "./pictures/pictures.ts";
import { whereThingsLive } from "./where-things-live.ts";

/** Everything that `npm run schema` writes, by path from the project's root; the same on every machine. */
export function generated(): Readonly<Record<string, string>> {
  const figures = readFigures();
  return {
    ...generateConfigDocs(),
    "docs/where-things-live.md": whereThingsLive(),
    "docs/adr/README.md": decisions(),
    "docs/deploy-rights.md": deployRights(),
    "docs/operator-rights.md": operatorRights(),
    "docs/policies.md": policiesPage(figures),
    "docs/images/policies.svg": policiesPicture(figures),
    ...pictures(),
  };
}
