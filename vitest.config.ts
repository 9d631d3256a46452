import { hash } from "node:crypto";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const every = "__tests__/**/*.test.ts";
const endToEnd = "__tests__/e2e/**/*.test.ts";

/** Tests that mostly start other programs and wait for them: what runs on agents, the app, the CLI, an emulator of AWS. */
const processes = [
  "__tests__/agents/**/*.test.ts",
  "__tests__/main/**/*.test.ts",
  "__tests__/docs/plan-step.test.ts",
  "__tests__/scripts/cli/fleet.test.ts",
  "__tests__/scripts/cli/desk/live.test.ts",
  "__tests__/scripts/cli/commands/{check,cost}.test.ts",
  "__tests__/scripts/fork/check.test.ts",
  "__tests__/architecture/stub-vendors.test.ts",
  "__tests__/docs/aws-commands.test.ts",
  "__tests__/docs/site.test.ts",
  "__tests__/stacks/linters/**/*.test.ts",
  "__tests__/**/*.moto.test.ts",
];

const projects = ["e2e", "processes", "fast"];

/**
 * Project after project, the longest file first. A worker of `fast` keeps its modules only while the next file is of the
 * same project. Deploying every shipped config takes longest: begun last, it would be waited for alone.
 * `--sequence.shuffle` puts the files of a project, and the tests of a file, in a random order.
 */
class ByProject extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId, project }: TestSpecification) =>
      moduleId.endsWith("/e2e/shipped.test.ts") ? -1 : projects.indexOf(project.name);
    const { shuffle, seed } = this.ctx.config.sequence;
    const drawn = ({ moduleId }: TestSpecification) => hash("sha256", `${seed} ${moduleId}`);
    const sorted = shuffle
      ? files.toSorted((one, other) => drawn(one).localeCompare(drawn(other)))
      : await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

const seconds = (count: number) => count * 1000;

export default defineConfig({
  test: {
    setupFiles: ["__tests__/setup/property-seed.ts"],
    // A test may hang, but never fails because a machine is slow: ten times what the longest one takes, and more.
    testTimeout: seconds(300),
    hookTimeout: seconds(300),
    // The end-to-end files mostly wait: even a small machine runs two files at once.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: ByProject },
    env: {
      // The AWS SDK would print an upgrade notice for Node 20 in every file.
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      // Tests deploy to an emulator at most, on CI runners too.
      AGENT_FLEETS_LOCAL_STATE: "allow",
      AGENT_FLEETS_QUOTAS: "raised",
    },
    projects: [
      {
        extends: true,
        test: {
          name: "fast",
          include: [every],
          exclude: [endToEnd, ...processes],
          // Files share their worker's modules: loading cdktf, the providers and zod anew for each takes longer than the
          // tests. So a file leaves nothing behind: no fake clock, no changed variable of the environment.
          isolate: false,
          pool: "threads",
          setupFiles: ["__tests__/setup/without-stack-traces.ts"],
        },
      },
      { extends: true, test: { name: "processes", include: processes } },
      {
        extends: true,
        test: { name: "e2e", include: [endToEnd], testTimeout: seconds(1800), hookTimeout: seconds(3600) },
      },
    ],
  },
});
