import * as z from "zod";
import { text } from "./primitives.ts";
import { partitionOf } from "./regions.ts";
import type { Rule } from "./rules.ts";

const uuid = (what: string) => text(/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, what);

const channel = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("slack").describe("A channel of Slack."),
    workspaceId: text(/^[0-9A-Z]{1,255}$/, "the id of a Slack workspace, such as T07EA123LEP").describe(
      "The workspace. AWS's console for Amazon Q Developer in chat applications shows its id.",
    ),
    channelId: text(/^[0-9A-Za-z]{1,255}$/, "the id of a Slack channel, such as C07EZ1ABC23").describe(
      "The channel: the end of its link. To a private one, invite `@Amazon Q`.",
    ),
  }),
  z.strictObject({
    type: z.literal("teams").describe("A channel of Microsoft Teams."),
    tenantId: uuid("the id of a tenant: a UUID").describe("The tenant: `tenantId` in the link to the channel."),
    teamId: uuid("the id of a team: a UUID").describe("The team: `groupId` in the link to the channel."),
    channelId: text(
      /^[\w.%@:-]{1,255}$/,
      "the id of a Teams channel as its link has it, such as 19%3ab1c2%40thread.tacv2",
    ).describe("The channel: what follows `/channel/` in its link."),
  }),
]);

/** Channels of chats that get a topic's alarms. */
export const chat = z
  .array(channel)
  .max(10)
  .default([])
  .describe(
    "Channels of Slack and Microsoft Teams that get the alarms, by Amazon Q Developer in chat applications. Somebody must " +
      "first authorize the workspace or team in AWS's console, once for an account. Alerts about single events go to the other receivers only.",
  );

/** One of {@link chat}. */
export type ChatChannel = z.output<typeof channel>;

/** The service's ARNs are of the standard partition alone (its API reference, `SlackChannelConfiguration`). */
export const chatIsHere: Rule<{
  readonly region: string;
  readonly alarms: { readonly chat: readonly ChatChannel[] };
}> = {
  path: ["alarms", "chat"],
  reads: [["alarms"], ["region"]],
  check: ({ alarms, region }) =>
    alarms.chat.length > 0 && partitionOf(region) !== "aws"
      ? `must be left out in ${region}: Amazon Q Developer in chat applications is not there`
      : undefined,
};
