import type { Command } from "commander";
import type { Clock } from "../../../handlers/lib/core/ports.ts";
import { loadStack } from "../../../stacks/config/load.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import type { Build, ImageBuilds } from "../lib/image-build.ts";

interface BuildOptions {
  readonly wait: boolean;
}

/** `fleet image build`. */
export function addImageCommands(program: Command, context: Context): void {
  const image = program.command("image").description("the image of a stack's agents");
  image
    .command("build")
    .summary("build the image of a stack's agents")
    .description(
      "Builds the image of a stack's agents in AWS and follows the log. New agents run it as soon as it is built. " +
        "Running agents keep the old one until they end. For a machine image: builds an AMI, which fleets get when they " +
        "are next deployed. Fails if the build fails.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .option("--no-wait", "start the build and do not follow it")
    .addHelpText("after", "\nExample:\n  fleet image build ci-agents")
    .action((stack: string, options: BuildOptions, command: Command) => buildImage(context, stack, options, command));
}

async function buildImage(
  context: Context,
  stackName: string,
  { wait }: BuildOptions,
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  const { kind, region } = loadStack(stackName, context).config;
  const isAmi = kind === "machine-image";
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const builds = isAmi
    ? (await import("../lib/image-builder.ts")).imageBuilderIn(region)
    : (await import("../lib/codebuild.ts")).codeBuildIn(region);

  const started = await builds.start(stackName);
  ui.note(`Building the image of ${stackName}: ${started.id}`);
  const build = wait ? await follow(context.clock, builds, region, started, ui.note) : started;
  const used = isAmi
    ? `Fleets on ${stackName} get ${build.image} when they are deployed.`
    : `New agents of ${stackName} run ${build.image}.`;
  ui.result(
    { build_id: build.id, status: build.status, image: build.image ?? null, log_url: build.log?.url ?? null },
    build.image ? used : `Build ${build.id}: ${build.status}`,
  );
  if (wait && !build.succeeded) {
    throw new UserError(
      `The build ended as ${build.status}${build.failure ? ` ${build.failure}` : ""}.`,
      `The previous image stays in use. The log is in ${build.log?.url ?? build.log?.group ?? "CloudWatch"}.`,
    );
  }
}

/** Prints phases and log lines as they come. Resolves to the build when it has ended. */
async function follow(
  clock: Clock,
  builds: ImageBuilds,
  region: string,
  started: Build,
  tell: (line: string) => void,
): Promise<Build> {
  const { createLogReader } = await import("../lib/build-log.ts");
  const readLog = createLogReader(region);
  let phase: string | undefined;
  for (let build = started; ; build = await builds.get(build.id)) {
    if (build.phase !== phase && build.phase !== undefined) tell(`--- ${build.phase}`);
    phase = build.phase;
    (await readLog(build.log)).forEach(tell);
    await clock.sleep(builds.pollMilliseconds);
    if (!build.complete) continue;
    // The last lines arrive after the build's end.
    (await readLog(build.log)).forEach(tell);
    return build;
  }
}
