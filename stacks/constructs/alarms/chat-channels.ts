import { Construct } from "constructs";
import { ChatbotSlackChannelConfiguration } from "#provider-aws/chatbot-slack-channel-configuration";
import { ChatbotTeamsChannelConfiguration } from "#provider-aws/chatbot-teams-channel-configuration";
import type { ChatChannel } from "../../config/chat.ts";
import { ServiceRole } from "../service-role.ts";
import { shortName } from "../short-name.ts";
import { arnOf, type StackContext } from "../stack-context.ts";

/** The only regions with an API of the service, https://docs.aws.amazon.com/general/latest/gr/chatbot.html. */
const apiRegions: readonly string[] = ["us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1"];

/**
 * Channels of Slack and Teams that get the alarms of a topic, by Amazon Q Developer in chat applications. It subscribes
 * to the topic by itself, and shows CloudWatch's alarms with a graph; it drops messages of other forms. People in the
 * channel may look at the stack's alarms and at metrics, and do nothing else: without a guardrail AWS would set
 * AdministratorAccess. With a right on some alarms, DescribeAlarms leaves out composite ones only, and the stack has none.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
 * @see https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-iam-policies.html
 */
export class ChatChannels extends Construct {
  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly topicArn: string;
      readonly channels: readonly ChatChannel[];
      /** Part of the names, after the stack's name. */
      readonly suffix: string;
    },
  ) {
    super(scope, id);
    const { context, topicArn, channels, suffix } = props;
    const role = new ServiceRole(this, "chat", {
      context,
      service: "chatbot.amazonaws.com",
      description: `Shows alarms of ${context.name} in chats`,
    });
    role.allow({
      actions: ["cloudwatch:DescribeAlarms"],
      resources: [arnOf(context, "cloudwatch", `alarm:${context.name}-*`)],
    });
    role.allow({
      actions: ["cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics"],
      // Metrics are no resources, and no condition names their namespace.
      resources: ["*"],
    });
    channels.forEach((channel, index) => {
      const common = {
        // Configurations are the account's, not the region's.
        configurationName: shortName(`${context.name}-${suffix}-${channel.type}-${index}-${context.region}`, 128),
        iamRoleArn: role.arn,
        snsTopicArns: [topicArn],
        guardrailPolicyArns: [`arn:${context.partition}:iam::aws:policy/CloudWatchReadOnlyAccess`],
        loggingLevel: "ERROR",
        ...(!apiRegions.includes(context.region) && { region: "us-east-2" }),
        dependsOn: role.ready,
      };
      if (channel.type === "slack") {
        new ChatbotSlackChannelConfiguration(this, `slack-${index}`, {
          ...common,
          slackTeamId: channel.workspaceId,
          slackChannelId: channel.channelId,
        });
      } else {
        const { tenantId, teamId, channelId } = channel;
        new ChatbotTeamsChannelConfiguration(this, `teams-${index}`, { ...common, tenantId, teamId, channelId });
      }
    });
  }
}
