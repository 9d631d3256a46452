import { wrapped } from "./stacks/config/reading/wrap.ts";
import { cachedBundles } from "./stacks/constructs/functions/bundle-cache.ts";

// cdktf is archived and still calls what newer versions of Node deprecate: nobody can act on that warning.
process.noDeprecation = true;
// Where they must be made, esbuild works in its own process, beside the imports below.
const bundling = cachedBundles();
// Whoever needs the bundles hears of its failure. A wrong config has nothing to do with it.
bundling.catch(() => undefined);
const [{ ConfigError }, { loadStacks }] = await Promise.all([
  import("./stacks/config/errors.ts"),
  import("./stacks/config/load.ts"),
]);

/** To a person in lines that the terminal does not break; elsewhere in one line each, which programs read. */
function say(text: string): void {
  process.stderr.write(`${wrapped(text, process.stderr.isTTY ? process.stderr.columns : undefined).join("\n")}\n`);
}

try {
  const loaded = loadStacks({ env: process.env, cwd: process.cwd() });
  const { stacks } = loaded;
  const { keepStates, localStateWarnings, outputOf } = await import("./stacks/config/local-state.ts");
  const { quotaWarnings } = await import("./stacks/config/account-quotas.ts");
  const { receiverWarnings } = await import("./stacks/config/receivers.ts");
  const { namedStacks, namedWarnings } = await import("./stacks/config/named-stacks.ts");
  const named = namedStacks(stacks, process.env);
  const told = [
    ...namedWarnings(loaded, named),
    ...localStateWarnings(named, process.env),
    ...receiverWarnings(named),
    ...quotaWarnings(named, process.env),
    ...keepStates(outputOf(process.env), stacks),
  ];
  for (const warning of told) say(`warning: ${warning}`);
  const [{ FleetApp }, { createStacks, loadStackClasses }] = await Promise.all([
    import("./stacks/constructs/fleet-app.ts"),
    import("./stacks/index.ts"),
  ]);
  const classes = await loadStackClasses(stacks.map(({ config }) => config.kind));
  const app = new FleetApp(await bundling);
  const found = createStacks(classes, app, stacks);
  for (const warning of [...found, ...app.warnings]) say(`warning: ${warning}`);
  app.synth();
  // cdktf names the folder by this variable, and says itself what was written.
  if (process.env.CDKTF_OUTDIR === undefined) {
    process.stdout.write(`Wrote to ${app.outdir}/stacks: ${stacks.map(({ name }) => name).join(", ")}\n`);
  }
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  say(error.message);
  // Ended in the middle of its work, esbuild would say so.
  await bundling.catch(() => undefined);
  process.exit(1);
}
