/** The calls of AWS of one command of `fleet`. */
interface Calls {
  /** Those that change nothing and read no secret, as `service:Action,Action service:Action`. */
  readonly looks?: string;
  /** The others. */
  readonly acts?: string;
}

const overrides = "dynamodb:Query";
const machines =
  "autoscaling:DescribeAutoScalingGroups,DescribeScalingActivities ec2:DescribeInstances ecs:DescribeTasks,ListTasks";
const runs = "states:DescribeExecution,GetExecutionHistory,ListExecutions";
const secretTimes = "secretsmanager:DescribeSecret,ListSecretVersionIds ssm:GetParameter";
const secretWrites = "secretsmanager:PutSecretValue ssm:DescribeParameters,GetParameter,PutParameter";
const secretReads = "secretsmanager:GetSecretValue ssm:GetParameter";
const picture =
  `cloudwatch:DescribeAlarms dynamodb:GetItem,Query ec2:DescribeImages ecr:DescribeImages ` +
  `ecs:DescribeTaskDefinition events:DescribeRule,ListTargetsByRule ` +
  `lambda:GetFunctionConcurrency,GetFunctionConfiguration,ListEventSourceMappings logs:FilterLogEvents ${secretTimes} ` +
  `sns:ListSubscriptionsByTopic sqs:GetQueueAttributes ${machines} ${runs}`;

/**
 * What each command of `fleet` that asks a deployed stack calls in AWS. Terraform's backend has its own rights. Every
 * call of a command in a test is held against this list (`__tests__/scripts/cli/harness.ts`).
 */
export const operatorActions: Readonly<Record<string, Calls>> = {
  status: { looks: picture },
  doctor: { looks: `${picture} logs:GetLogEvents` },
  logs: {
    looks:
      "dynamodb:Query ecs:DescribeTasks,ListTasks lambda:GetFunctionConfiguration logs:DescribeLogGroups,FilterLogEvents",
  },
  outputs: {},
  // Besides all that Terraform calls.
  deploy: { looks: secretTimes },
  "secret list": { looks: secretTimes },
  limits: { looks: overrides, acts: "dynamodb:DeleteItem,PutItem" },
  pause: { looks: overrides, acts: "dynamodb:PutItem" },
  resume: { looks: overrides, acts: "dynamodb:DeleteItem" },
  drain: {
    looks: "autoscaling:DescribeAutoScalingGroups dynamodb:GetItem,Query ecs:DescribeTasks,ListTasks",
    acts: "autoscaling:UpdateAutoScalingGroup dynamodb:DeleteItem,PutItem",
  },
  retire: {
    looks: `dynamodb:GetItem,Query lambda:GetFunctionConfiguration ${machines} ${runs}`,
    acts: "states:StartExecution",
  },
  "secret set": { acts: secretWrites },
  "secret rotate": {
    looks: `dynamodb:GetItem,Query logs:FilterLogEvents ${secretTimes} ${machines}`,
    acts: secretWrites,
  },
  "image build": {
    looks: "codebuild:BatchGetBuilds imagebuilder:GetImage,ListImagePipelines logs:GetLogEvents",
    acts: "codebuild:StartBuild imagebuilder:StartImagePipelineExecution",
  },
  "hcp token": { acts: secretWrites },
  "hcp notifications": { acts: secretReads },
  "ado hook": { acts: secretReads },
  "spacelift webhook": { acts: secretReads },
  "hcp workspaces": { looks: "ssm:GetParametersByPath", acts: "ssm:DeleteParameter,PutParameter" },
};

/** What a call is narrowed to. */
export interface Narrowing {
  /** As in {@link operatorActions}. */
  readonly calls: string;
  /** With `<stack>` for the stack's name. */
  readonly resources: readonly string[];
  /** Of a table: the only partition keys. */
  readonly leadingKeys?: readonly string[];
}

/**
 * What calls can be narrowed to, by AWS's Service Authorization Reference
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/). A call that is not here knows no resources, or
 * is also about things that other stacks own, such as a shared cluster.
 */
export const narrowings: readonly Narrowing[] = [
  {
    calls: "autoscaling:UpdateAutoScalingGroup",
    resources: ["arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/<stack>"],
  },
  { calls: "codebuild:BatchGetBuilds,StartBuild", resources: ["arn:aws:codebuild:*:*:project/<stack>-image"] },
  { calls: "dynamodb:GetItem", resources: ["arn:aws:dynamodb:*:*:table/<stack>-state"] },
  { calls: "dynamodb:Query", resources: ["arn:aws:dynamodb:*:*:table/<stack>-settings"] },
  // The other rows are Terraform's.
  {
    calls: "dynamodb:DeleteItem,PutItem",
    resources: ["arn:aws:dynamodb:*:*:table/<stack>-settings"],
    leadingKeys: ["override"],
  },
  {
    calls: "events:DescribeRule,ListTargetsByRule",
    resources: ["arn:aws:events:*:*:rule/<stack>-every-minute"],
  },
  {
    calls: "imagebuilder:StartImagePipelineExecution",
    resources: ["arn:aws:imagebuilder:*:*:image-pipeline/<stack>"],
  },
  {
    calls: "lambda:GetFunctionConcurrency,GetFunctionConfiguration",
    resources: ["arn:aws:lambda:*:*:function:<stack>-autoscale"],
  },
  {
    calls: "logs:FilterLogEvents,GetLogEvents",
    resources: [
      "arn:aws:logs:*:*:log-group:/aws/lambda/<stack>-*",
      "arn:aws:logs:*:*:log-group:/agent-fleets/<stack>/*",
      "arn:aws:logs:*:*:log-group:/aws/imagebuilder/*",
    ],
  },
  {
    calls: "secretsmanager:DescribeSecret,GetSecretValue,ListSecretVersionIds,PutSecretValue",
    resources: ["arn:aws:secretsmanager:*:*:secret:agent-fleets/<stack>/*"],
  },
  { calls: "sns:ListSubscriptionsByTopic", resources: ["arn:aws:sns:*:*:<stack>-alarms"] },
  { calls: "sqs:GetQueueAttributes", resources: ["arn:aws:sqs:*:*:<stack>-*"] },
  {
    calls: "ssm:DeleteParameter,GetParameter,GetParametersByPath,PutParameter",
    resources: ["arn:aws:ssm:*:*:parameter/agent-fleets/<stack>/*"],
  },
  { calls: "states:ListExecutions,StartExecution", resources: ["arn:aws:states:*:*:stateMachine:<stack>-retire"] },
  {
    calls: "states:DescribeExecution,GetExecutionHistory",
    resources: ["arn:aws:states:*:*:execution:<stack>-retire:*"],
  },
];
