import { describe, expect, it } from "vitest";
import { stackConfig } from "../../stacks/config/schema.ts";
import { synthCluster } from "./ecs-cluster.ts";
import { minimal, resources, statements, synthesize, theOnly } from "./synth.ts";

const slack = { type: "slack", workspaceId: "T07EA123LEP", channelId: "C07EZ1ABC23" };
const id = "11111111-2222-3333-4444-555555555555";
const teams = { type: "teams", tenantId: id, teamId: id, channelId: "19%3ab1c2%40thread.tacv2" };

/** What is wrong with the alarms of a config; none: it is valid. */
function faults(alarms: object, more: object = {}): string[] {
  const { error } = stackConfig.safeParse({ ...minimal, ...more, alarms });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("alarms in chats", () => {
  it.each([
    ["a fleet", (alarms: object) => synthesize({ ...minimal, alarms }), /aws_sns_topic\.alarm-topic_/],
    ["a cluster", (alarms: object) => synthCluster({ alarms }), /aws_sns_topic\.alerts_topic/],
  ])("go from the topic of %s to each channel", (_, synth, topic) => {
    const stack = synth({ chat: [slack, teams] });
    const common = {
      sns_topic_arns: [expect.stringMatching(topic)],
      iam_role_arn: expect.stringMatching(/aws_iam_role\.\S*chat_role/),
    };
    expect(theOnly(stack, "aws_chatbot_slack_channel_configuration")).toMatchObject({
      ...common,
      slack_team_id: "T07EA123LEP",
      slack_channel_id: "C07EZ1ABC23",
    });
    expect(theOnly(stack, "aws_chatbot_teams_channel_configuration")).toMatchObject({
      ...common,
      tenant_id: id,
      team_id: id,
      channel_id: teams.channelId,
    });
  });

  const stack = synthesize({ ...minimal, alarms: { chat: [slack] } });
  const made = theOnly(stack, "aws_chatbot_slack_channel_configuration");

  it("give people in the channel no right but to look at metrics and alarms", () => {
    // Left out, AWS takes AdministratorAccess.
    expect(made.guardrail_policy_arns).toEqual([expect.stringMatching(/:iam::aws:policy\/CloudWatchReadOnlyAccess$/)]);
    const role = resources(stack, "aws_iam_role").find(({ assume_role_policy: trust }) =>
      String(trust).includes("chatbot.amazonaws.com"),
    );
    expect(role).toBeDefined();
    const rights = resources(stack, "aws_iam_role_policy").filter(({ role: of }) => String(of).includes("chat"));
    const actions = rights.flatMap(({ policy }) => statements(policy).flatMap(({ Action }) => Action));
    expect(actions.length).toBeGreaterThan(0);
    for (const action of actions) expect(action).toMatch(/^cloudwatch:(Describe|Get)\w+$/);
    const ofAlarms = rights
      .flatMap(({ policy }) => statements(policy))
      .filter(({ Action }) => /Alarms/.test(String(Action)));
    expect(ofAlarms.map(({ Resource }) => Resource)).toEqual([
      [expect.stringMatching(/:cloudwatch:us-west-2:\S+:alarm:ci-\*$/)],
    ]);
  });

  it("use the service's API where it is, and the name is one for the account", () => {
    expect(made.region).toBeUndefined();
    expect(made.configuration_name).toBe("ci-alarms-slack-0-us-west-2");
    const elsewhere = synthesize({ ...minimal, region: "eu-central-1", alarms: { chat: [slack] } });
    expect(theOnly(elsewhere, "aws_chatbot_slack_channel_configuration").region).toBe("us-east-2");
  });

  it("are none where the config has none", () => {
    expect(JSON.stringify(synthesize(minimal))).not.toContain("chatbot");
  });

  it("are refused where the service is not, at a topic of others, and by a malformed id", () => {
    expect(faults({ chat: [slack, teams] })).toEqual([]);
    expect(faults({ chat: [slack] }, { region: "us-gov-west-1" })).toContainEqual(
      expect.stringMatching(/^alarms\.chat: must be left out in us-gov-west-1/),
    );
    const topicArn = "arn:aws:sns:us-west-2:123456789012:ops";
    expect(faults({ chat: [slack], topicArn })).toContainEqual(expect.stringMatching(/^alarms\.chat: /));
    expect(faults({ chat: [{ ...slack, channelId: "#ops" }] })).toContainEqual(
      expect.stringMatching(/^alarms\.chat\.0\.channelId: /),
    );
  });
});

describe("the runbook", () => {
  const runbookUrl = "https://docs.example.com/runbook";

  it("is a link to the section in each alarm and on the dashboard", () => {
    const stack = synthesize({ ...minimal, alarms: { runbookUrl } });
    const alarms = resources(stack, "aws_cloudwatch_metric_alarm");
    expect(alarms.length).toBeGreaterThan(10);
    for (const { alarm_name: name, alarm_description: text } of alarms)
      expect(text).toMatch(new RegExp(`What to do: ${runbookUrl}#${String(name).replace("ci-", "")}$`));
    expect(String(theOnly(stack, "aws_cloudwatch_dashboard").dashboard_body)).toContain(`(${runbookUrl})`);
  });

  it("is no dead link: a URL with a fragment is refused", () => {
    expect(faults({ runbookUrl })).toEqual([]);
    expect(faults({ runbookUrl: `${runbookUrl}#x` })).toHaveLength(1);
    expect(faults({ runbookUrl: "http://docs.example.com" })).toHaveLength(1);
  });
});

it("a receiver that confirms by itself is waited for, and messages keep SNS's form", () => {
  const https = { protocol: "https", url: "https://events.pagerduty.example.com/integration/x/enqueue" };
  const subscription = (more: object) =>
    theOnly(
      synthesize({ ...minimal, alarms: { subscriptions: [{ ...https, ...more }] } }),
      "aws_sns_topic_subscription",
    );
  expect(subscription({ autoConfirms: true })).toMatchObject({ protocol: "https", endpoint_auto_confirms: true });
  expect(subscription({})).not.toHaveProperty("endpoint_auto_confirms");
  expect(subscription({ autoConfirms: true })).not.toHaveProperty("raw_message_delivery");
});
