import { instances } from "./instances.ts";
import { job } from "./job.ts";
import { retirement } from "./retirement.ts";
import { tasks } from "./tasks.ts";

/** The pictures of the documentation, by path from the project's root. */
export function pictures(): Readonly<Record<string, string>> {
  return {
    "docs/images/tasks.svg": tasks(),
    "docs/images/instances.svg": instances(),
    "docs/images/job.svg": job(),
    "docs/images/retirement.svg": retirement(),
  };
}
