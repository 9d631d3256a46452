import * as z from "zod";
import { type FakeAnswer, type HttpFake, startHttpFake } from "./http-fake.ts";

/** The state of a build at one request. */
interface Step {
  readonly currentPhase: string;
  /** Lines that are in the log before this step shows. */
  readonly log?: readonly string[];
  readonly buildStatus?: string;
  readonly phases?: readonly object[];
  readonly exportedEnvironmentVariables?: readonly { readonly name: string; readonly value: string }[];
}

/** The part of CodeBuild and CloudWatch Logs that starts and follows one build. */
export interface CodeBuildFake extends HttpFake {
  /** Names of the existing projects. */
  readonly projects: Set<string>;
  /** The steps of a build. Each request moves it one step, and the last step stays. */
  steps: readonly Step[];
  /** Lines that arrive in the log after the build's end, once the log has been read to its end. */
  readonly lateLog: string[];
  /** Projects whose builds were started. */
  readonly started: readonly string[];
  /** Environment variables that point the AWS SDK at this fake. */
  readonly env: Readonly<Record<string, string>>;
}

const linesPerPage = 2;
const stream = { groupName: "/agent-fleets/ci/image", streamName: "stream-1" };

/** Starts the fake. It answers by the operation in `X-Amz-Target`. */
export async function startCodeBuildFake(): Promise<CodeBuildFake> {
  const projects = new Set<string>();
  const started: string[] = [];
  const log: string[] = [];
  let asked = 0;

  const build = () => {
    const last = asked >= fake.steps.length - 1;
    const { log: lines = [], ...step } = fake.steps[Math.min(asked, fake.steps.length - 1)] ?? {
      currentPhase: "QUEUED",
    };
    if (asked < fake.steps.length) log.push(...lines);
    asked += 1;
    const logs = { ...stream, deepLink: "https://console.example/log" };
    const known = step.currentPhase === "QUEUED" || step.currentPhase === "SUBMITTED" ? {} : { logs };
    return { id: `${started.at(-1)}:1`, buildStatus: "IN_PROGRESS", ...step, ...known, buildComplete: last };
  };

  const actions: Record<string, (body: unknown) => FakeAnswer> = {
    "CodeBuild_20161006.StartBuild": (body) => {
      const { projectName } = z.object({ projectName: z.string() }).parse(body);
      if (!projects.has(projectName)) return failure("ResourceNotFoundException", "Project cannot be found");
      started.push(projectName);
      return json({ build: build() });
    },
    "CodeBuild_20161006.BatchGetBuilds": (body) => {
      const { ids } = z.object({ ids: z.tuple([z.string()]) }).parse(body);
      return ids[0] === `${started.at(-1)}:1` ? json({ builds: [build()] }) : json({ buildsNotFound: ids });
    },
    "Logs_20140328.GetLogEvents": (body) => {
      const { nextToken = "f/0" } = z
        .object({
          logGroupName: z.literal(stream.groupName),
          logStreamName: z.literal(stream.streamName),
          startFromHead: z.literal(true),
          nextToken: z.string().optional(),
        })
        .parse(body);
      if (log.length === 0) return failure("ResourceNotFoundException", "The specified log stream does not exist.");
      const from = Number(nextToken.slice(2));
      const page = log.slice(from, from + linesPerPage);
      if (asked >= fake.steps.length && page.length === 0) log.push(...fake.lateLog.splice(0));
      return json({
        events: page.map((message) => ({ message: `${message}\n` })),
        nextForwardToken: `f/${from + page.length}`,
      });
    },
  };

  const http = await startHttpFake((request) => {
    const action = actions[String(request.headers["x-amz-target"])];
    return action ? action(JSON.parse(request.body.toString())) : failure("UnknownOperationException", "");
  });
  const env = {
    AWS_ENDPOINT_URL_CODEBUILD: http.url,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: http.url,
    AWS_ACCESS_KEY_ID: "test-key-id",
    AWS_SECRET_ACCESS_KEY: "test-secret-key",
    AWS_EC2_METADATA_DISABLED: "true",
  };
  const steps: readonly Step[] = [];
  const lateLog: string[] = [];
  const fake = Object.assign(http, { projects, started, env, steps, lateLog });
  return fake;
}

function json(body: unknown): FakeAnswer {
  return { status: 200, headers: { "content-type": "application/x-amz-json-1.1" }, json: body };
}

function failure(type: string, message: string): FakeAnswer {
  return { status: 400, headers: { "content-type": "application/x-amz-json-1.1" }, json: { __type: type, message } };
}
