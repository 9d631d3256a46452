import * as z from "zod";
import { sha256, text, uniqueList, wholeNumber } from "../primitives.ts";
import { schedule } from "../schedule.ts";
import { containerImage } from "./image.ts";

/** The agent in the image, in place of the version that the Dockerfile pins. */
const agent = z.strictObject({
  version: text(/^[0-9]+\.[0-9]+\.[0-9]+$/, "a version of the agent, such as 4.269.0").describe(
    "Version of the agent.",
  ),
  sha256: sha256.describe(
    "SHA-256 of the agent's archive for Linux and the fleet's architecture, as the release's page prints it.",
  ),
});

/** How the stack builds the image of its agents. */
export const imageBuild = z.strictObject({
  schedule: schedule(
    "never|rate\\((?:1 (?:day|hour)|(?:[2-9]|[1-9][0-9]+) (?:days|hours))\\)",
    "never, or an EventBridge schedule in UTC such as cron(17 3 ? * SUN *) or rate(7 days)",
  )
    .default("cron(17 3 ? * SUN *)")
    .describe("When the image is built anew, to take in patches of the distribution; UTC. `never`: by hand alone."),
  agent: agent.optional().describe("Another agent than the one that our Dockerfile pins."),
  packages: uniqueList(text(/^[a-z0-9][a-z0-9+.-]+(?:=[\w.+:~-]+)?$/, "the name of an Ubuntu package"))
    .default([])
    .describe("More packages of Ubuntu to install, such as `zip` or `python3`."),
  baseImage: containerImage
    .optional()
    .describe("Another base than our Dockerfile's Ubuntu 24.04: the same by digest, or one of your own made from it."),
  timeoutMinutes: wholeNumber(5, 480).default(30).describe("Minutes after which a build is stopped."),
  keep: wholeNumber(1, 1000).default(10).describe("Number of images to keep. Older ones are deleted."),
  keepReplacedDays: wholeNumber(1, 365)
    .default(7)
    .describe("Days for which a replaced image can still be pulled by its digest."),
  forceDelete: z
    .boolean()
    .default(true)
    .describe("Whether destroying the stack deletes the images too. If not, it fails while there are any."),
});

/** See {@link imageBuild}. */
export type ImageBuildConfig = z.output<typeof imageBuild>;

/** Name of the CodeBuild project that builds a stack's image. */
export function imageProjectName(stack: string): string {
  return `${stack}-image`;
}

/** Azure DevOps publishes no image of its agent, so the stack builds one unless the config names another. */
export function buildsImage({
  compute: { image },
  vendor,
}: {
  readonly compute: { readonly image?: string | object | undefined };
  readonly vendor: { readonly type: string };
}): boolean {
  return image === undefined ? vendor.type === "azure-devops" : typeof image === "object";
}
