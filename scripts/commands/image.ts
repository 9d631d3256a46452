import type { Command } from "commander";
import type { Clock } from "../../handlers/core/ports.ts";
import { imageProjectName } from "../../stacks/config/compute/image-build.ts";
import { loadStack } from "../../stacks/config/load.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";
import type { Build, ImageBuilds } from "../lib/image-build.ts";

const pollMilliseconds = 3_000;

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
      "Builds the image of a stack's agents in AWS and follows the log. New agents run it as soon as it is built; " +
        "agents that are there finish on the one they have. Fails when the build does.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .option("--no-wait", "start the build and leave it to itself")
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
  if (kind === "machine-image") {
    throw new UserError(
      `${stackName} is a machine image, which EC2 Image Builder builds.`,
      "Run the command that the stack's output build_command tells.",
    );
  }
  // Only here, because loading the AWS SDK takes a quarter of a second.
  const { imageBuildsIn } = await import("../lib/image-build.ts");
  const builds = imageBuildsIn(region);

  const started = await builds.start(imageProjectName(stackName));
  ui.note(`Building the image of ${stackName}: ${started.id}`);
  const build = wait ? await follow(context.clock, builds, started, ui.note) : started;
  ui.result(
    { build_id: build.id, status: build.status, image: build.image ?? null, log_url: build.log?.url ?? null },
    build.image ? `New agents of ${stackName} run ${build.image}.` : `Build ${build.id}: ${build.status}`,
  );
  if (wait && build.status !== "SUCCEEDED") {
    throw new UserError(
      `The build ended as ${build.status}${build.failure ? ` in phase ${build.failure}` : ""}.`,
      `New agents run the image that they ran before. The log stays in ${build.log?.url ?? "CloudWatch"}.`,
    );
  }
}

/** Tells phases and log lines as they come. Resolves to the build at its end. */
async function follow(clock: Clock, builds: ImageBuilds, started: Build, tell: (line: string) => void): Promise<Build> {
  const readLog = builds.logReader();
  let phase: string | undefined;
  for (let build = started; ; build = await builds.get(build.id)) {
    if (build.phase !== phase && build.phase !== undefined) tell(`--- ${build.phase}`);
    phase = build.phase;
    (await readLog(build)).forEach(tell);
    await clock.sleep(pollMilliseconds);
    if (!build.complete) continue;
    // The last lines come after the build's end.
    (await readLog(build)).forEach(tell);
    return build;
  }
}
