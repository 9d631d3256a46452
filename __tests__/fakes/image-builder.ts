import * as z from "zod";
import { type FakeAnswer, type HttpFake, startHttpFake } from "./http-fake.ts";

/** The state of an image at one request. */
interface ImageState {
  readonly status: string;
  readonly reason?: string;
  /** The log at that time. */
  readonly log?: readonly string[];
}

/** The part of EC2 Image Builder and CloudWatch Logs that starts and follows one build. */
export interface ImageBuilderFake extends HttpFake {
  /** Names of the existing pipelines. */
  readonly pipelines: Set<string>;
  /** The steps of a build. Each request moves it one step, and the last step stays. */
  states: readonly ImageState[];
  /** Whether another build is running. */
  busy: boolean;
  /** ARNs of pipelines that were started. */
  readonly started: readonly string[];
  /** Environment variables that point the AWS SDK at this fake. */
  readonly env: Readonly<Record<string, string>>;
}

const arn = "arn:aws:imagebuilder:eu-west-1:123456789012";

/** Starts the fake. Its builds make the AMI ami-0123456789abcdef0 as version 1.2.3/1. */
export async function startImageBuilderFake(): Promise<ImageBuilderFake> {
  const pipelines = new Set<string>();
  const started: string[] = [];
  let asked = -1;

  const answer = (json: unknown, status = 200): FakeAnswer => ({
    status,
    headers: { "content-type": "application/json" },
    json,
  });
  const refuse = (type: string, message: string): FakeAnswer => ({
    ...answer({ message }, 400),
    headers: { "content-type": "application/json", "x-amzn-errortype": type },
  });

  const actions: Record<string, (body: unknown, query: URLSearchParams) => FakeAnswer> = {
    "POST /ListImagePipelines": (body) => {
      const { filters } = z
        .object({ filters: z.tuple([z.object({ name: z.literal("name"), values: z.tuple([z.string()]) })]) })
        .parse(body);
      const found = [...pipelines].filter((name) => name.startsWith(filters[0].values[0]));
      return answer({ imagePipelineList: found.map((name) => ({ name, arn: `${arn}:image-pipeline/${name}` })) });
    },
    "PUT /StartImagePipelineExecution": (body) => {
      const { imagePipelineArn } = z.object({ imagePipelineArn: z.string(), clientToken: z.uuid() }).parse(body);
      if (fake.busy) return refuse("ResourceInUseException", "The pipeline is running");
      started.push(imagePipelineArn);
      return answer({ imageBuildVersionArn: `${arn}:image/${imagePipelineArn.split("/")[1]}/1.2.3/1` });
    },
    "GET /GetImage": (_body, query) => {
      asked = Math.min(asked + 1, fake.states.length - 1);
      const { status = "PENDING", reason } = fake.states[asked] ?? {};
      const amis = [
        { region: "us-east-1", image: "ami-elsewhere" },
        { region: "eu-west-1", image: "ami-0123456789abcdef0" },
      ];
      return answer({
        image: {
          arn: query.get("imageBuildVersionArn"),
          state: { status, reason },
          outputResources: status === "AVAILABLE" ? { amis } : { amis: [] },
        },
      });
    },
    "Logs_20140328.GetLogEvents": (body) => {
      const { nextToken = "0" } = z
        .object({
          logGroupName: z.literal("/aws/imagebuilder/base"),
          logStreamName: z.literal("1.2.3/1"),
          nextToken: z.string().optional(),
        })
        .parse(body);
      const lines = fake.states.slice(0, asked + 1).flatMap(({ log = [] }) => log);
      if (lines.length === 0) return refuse("ResourceNotFoundException", "The specified log group does not exist.");
      return answer({
        events: lines.slice(Number(nextToken)).map((message) => ({ message })),
        nextForwardToken: String(lines.length),
      });
    },
  };

  const http = await startHttpFake((request) => {
    const url = new URL(request.path, "http://localhost");
    const action = actions[String(request.headers["x-amz-target"] ?? `${request.method} ${url.pathname}`)];
    const body = request.body.toString();
    return action
      ? action(body === "" ? undefined : JSON.parse(body), url.searchParams)
      : refuse("UnknownOperationException", "");
  });
  const env = {
    AWS_ENDPOINT_URL_IMAGEBUILDER: http.url,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: http.url,
    AWS_ACCESS_KEY_ID: "test-key-id",
    AWS_SECRET_ACCESS_KEY: "test-secret-key",
    AWS_EC2_METADATA_DISABLED: "true",
  };
  const states: readonly ImageState[] = [];
  const fake = Object.assign(http, { pipelines, started, env, states, busy: false });
  return fake;
}
