/**
 * What Terraform's provider calls to make, read, change, tag and remove the resources of our stacks, by area and type,
 * as `service:Action,Action service:Action`. Empty: no call of AWS.
 *
 * Sources: the provider's code for each type (hashicorp/terraform-provider-aws, 6.x) and AWS's Service Authorization
 * Reference for the names of actions. Nobody has deployed with these alone: assumed complete. A test holds the types
 * against those that the shipped configs make.
 */
export const deployActions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Every stack": {
    aws_lambda_permission: "lambda:AddPermission,GetPolicy,RemovePermission",
    aws_caller_identity: "sts:GetCallerIdentity",
    aws_partition: "",
    archive_file: "",
    terraform_data: "",
    aws_iam_role:
      "iam:CreateRole,CreateServiceLinkedRole,DeleteRole,DeleteRolePermissionsBoundary,GetRole," +
      "ListAttachedRolePolicies,ListInstanceProfilesForRole,ListRolePolicies,PassRole," +
      "PutRolePermissionsBoundary,TagRole,UntagRole,UpdateAssumeRolePolicy,UpdateRole",
    aws_iam_role_policy: "iam:DeleteRolePolicy,GetRolePolicy,PutRolePolicy",
    aws_iam_role_policy_attachment: "iam:AttachRolePolicy,DetachRolePolicy,ListAttachedRolePolicies",
    aws_cloudwatch_log_group:
      "logs:AssociateKmsKey,CreateLogGroup,DeleteLogGroup,DeleteRetentionPolicy,DescribeLogGroups," +
      "DisassociateKmsKey,ListTagsForResource,PutRetentionPolicy,TagResource,UntagResource",
    aws_cloudwatch_log_metric_filter: "logs:DeleteMetricFilter,DescribeMetricFilters,PutMetricFilter",
    aws_cloudwatch_metric_alarm:
      "cloudwatch:DeleteAlarms,DescribeAlarms,ListTagsForResource,PutMetricAlarm,TagResource,UntagResource",
    aws_cloudwatch_dashboard: "cloudwatch:DeleteDashboards,GetDashboard,PutDashboard",
    aws_cloudwatch_event_rule:
      "events:DeleteRule,DescribeRule,DisableRule,EnableRule,ListTagsForResource,PutRule,TagResource," +
      "UntagResource",
    aws_cloudwatch_event_target: "events:ListTargetsByRule,PutTargets,RemoveTargets",
    aws_sns_topic:
      "sns:CreateTopic,DeleteTopic,GetTopicAttributes,ListTagsForResource,SetTopicAttributes,TagResource," +
      "UntagResource",
    // With those for Teams, which no shipped config has.
    aws_chatbot_slack_channel_configuration:
      "chatbot:CreateMicrosoftTeamsChannelConfiguration,CreateSlackChannelConfiguration," +
      "DeleteMicrosoftTeamsChannelConfiguration,DeleteSlackChannelConfiguration,DescribeSlackChannelConfigurations," +
      "GetMicrosoftTeamsChannelConfiguration,ListTagsForResource,TagResource,UntagResource," +
      "UpdateMicrosoftTeamsChannelConfiguration,UpdateSlackChannelConfiguration",
    aws_sns_topic_policy: "sns:GetTopicAttributes,SetTopicAttributes",
    aws_sns_topic_subscription: "sns:GetSubscriptionAttributes,SetSubscriptionAttributes,Subscribe,Unsubscribe",
    aws_sqs_queue:
      "sqs:CreateQueue,DeleteQueue,GetQueueAttributes,GetQueueUrl,ListQueueTags,SetQueueAttributes,TagQueue," +
      "UntagQueue",
    aws_ssm_parameter:
      "ssm:AddTagsToResource,DeleteParameter,DescribeParameters,GetParameter,GetParameters,ListTagsForResource," +
      "PutParameter,RemoveTagsFromResource",
  },
  Fleets: {
    aws_lambda_function:
      "lambda:CreateFunction,DeleteFunction,GetFunction,GetFunctionCodeSigningConfig,GetFunctionConfiguration," +
      "ListTags,ListVersionsByFunction,TagResource,UntagResource,UpdateFunctionCode,UpdateFunctionConfiguration",
    aws_lambda_function_event_invoke_config:
      "lambda:DeleteFunctionEventInvokeConfig,GetFunctionEventInvokeConfig,PutFunctionEventInvokeConfig," +
      "UpdateFunctionEventInvokeConfig",
    aws_lambda_event_source_mapping:
      "lambda:CreateEventSourceMapping,DeleteEventSourceMapping,GetEventSourceMapping,UpdateEventSourceMapping",
    aws_lambda_function_recursion_config: "lambda:GetFunctionRecursionConfig,PutFunctionRecursionConfig",
    aws_lambda_invocation: "lambda:InvokeFunction",
    aws_dynamodb_table:
      "dynamodb:CreateTable,DeleteTable,DescribeContinuousBackups,DescribeTable,DescribeTimeToLive," +
      "ListTagsOfResource,TagResource,UntagResource,UpdateContinuousBackups,UpdateTable,UpdateTimeToLive",
    aws_dynamodb_table_item: "dynamodb:DeleteItem,GetItem,PutItem,UpdateItem",
    aws_secretsmanager_secret:
      "secretsmanager:CreateSecret,DeleteSecret,DescribeSecret,GetResourcePolicy,RestoreSecret,TagResource," +
      "UntagResource,UpdateSecret",
    aws_secretsmanager_secret_version:
      "secretsmanager:DescribeSecret,GetSecretValue,PutSecretValue,UpdateSecretVersionStage",
    aws_sfn_state_machine:
      "states:CreateStateMachine,DeleteStateMachine,DescribeStateMachine,ListStateMachineVersions," +
      "ListTagsForResource,TagResource,UntagResource,UpdateStateMachine,ValidateStateMachineDefinition",
    aws_apigatewayv2_api: "apigateway:DELETE,GET,PATCH,POST,PUT,TagResource",
    aws_apigatewayv2_integration: "apigateway:DELETE,GET,PATCH,POST,PUT,TagResource",
    aws_apigatewayv2_route: "apigateway:DELETE,GET,PATCH,POST,PUT,TagResource",
    aws_apigatewayv2_stage:
      "apigateway:DELETE,GET,PATCH,POST,PUT,TagResource logs:CreateLogDelivery,DeleteLogDelivery,GetLogDelivery",
    tfe_agent_pool: "",
    tfe_notification_configuration: "",
    tfe_organization_run_task: "",
    tfe_project_settings: "",
    tfe_workspace_run_task: "",
    tfe_project: "",
    tfe_workspace: "",
  },
  Tasks: {
    aws_ecs_cluster: "ecs:CreateCluster,DeleteCluster,DescribeClusters,TagResource,UntagResource,UpdateCluster",
    aws_ecs_cluster_capacity_providers: "ecs:DescribeClusters,PutClusterCapacityProviders",
    aws_ecs_task_definition: "ecs:DeregisterTaskDefinition,DescribeTaskDefinition,RegisterTaskDefinition,TagResource",
    aws_ecr_repository:
      "ecr:CreateRepository,DeleteRepository,DescribeRepositories,ListTagsForResource," +
      "PutImageScanningConfiguration,PutImageTagMutability,TagResource,UntagResource",
    aws_ecr_lifecycle_policy: "ecr:DeleteLifecyclePolicy,GetLifecyclePolicy,PutLifecyclePolicy",
    aws_codebuild_project: "codebuild:BatchGetProjects,CreateProject,DeleteProject,UpdateProject",
    aws_s3_bucket:
      "s3:CreateBucket,DeleteBucket,GetAccelerateConfiguration,GetBucketAcl,GetBucketCORS,GetBucketLogging," +
      "GetBucketObjectLockConfiguration,GetBucketRequestPayment,GetBucketTagging,GetBucketVersioning," +
      "GetBucketWebsite,GetReplicationConfiguration,ListBucket,PutBucketTagging",
    aws_s3_bucket_policy: "s3:DeleteBucketPolicy,GetBucketPolicy,PutBucketPolicy",
    aws_s3_bucket_public_access_block: "s3:GetBucketPublicAccessBlock,PutBucketPublicAccessBlock",
    aws_s3_bucket_server_side_encryption_configuration: "s3:GetEncryptionConfiguration,PutEncryptionConfiguration",
    aws_s3_bucket_lifecycle_configuration: "s3:GetLifecycleConfiguration,PutLifecycleConfiguration",
    aws_s3_object: "s3:DeleteObject,GetObject,GetObjectTagging,PutObject,PutObjectTagging",
  },
  Instances: {
    aws_ami: "ec2:DescribeImages",
    aws_iam_instance_profile:
      "iam:AddRoleToInstanceProfile,CreateInstanceProfile,DeleteInstanceProfile,GetInstanceProfile,PassRole," +
      "RemoveRoleFromInstanceProfile,TagInstanceProfile,UntagInstanceProfile",
    aws_launch_template:
      "ec2:CreateLaunchTemplate,CreateLaunchTemplateVersion,DeleteLaunchTemplate," +
      "DescribeLaunchTemplateVersions,DescribeLaunchTemplates,GetLaunchTemplateData,ModifyLaunchTemplate," +
      "RunInstances",
    aws_autoscaling_group:
      "autoscaling:CreateAutoScalingGroup,CreateOrUpdateTags,DeleteAutoScalingGroup,DeleteTags,DeleteWarmPool," +
      "DescribeAutoScalingGroups,DescribeScalingActivities,DescribeWarmPool,DisableMetricsCollection," +
      "EnableMetricsCollection,PutWarmPool,ResumeProcesses,SetInstanceProtection,SuspendProcesses," +
      "UpdateAutoScalingGroup",
    aws_autoscaling_lifecycle_hook: "autoscaling:DeleteLifecycleHook,DescribeLifecycleHooks,PutLifecycleHook",
  },
  Clusters: {
    aws_ecs_capacity_provider:
      "ecs:CreateCapacityProvider,DeleteCapacityProvider,DescribeCapacityProviders,UpdateCapacityProvider",
    aws_ecs_service: "ecs:CreateService,DeleteService,DescribeServiceDeployments,DescribeServices,UpdateService",
    aws_appautoscaling_target:
      "application-autoscaling:DeregisterScalableTarget,DescribeScalableTargets,ListTagsForResource," +
      "RegisterScalableTarget,TagResource",
    aws_appautoscaling_policy: "application-autoscaling:DeleteScalingPolicy,DescribeScalingPolicies,PutScalingPolicy",
    aws_lb:
      "elasticloadbalancing:AddTags,CreateLoadBalancer,DeleteLoadBalancer,DescribeCapacityReservation," +
      "DescribeLoadBalancerAttributes,DescribeLoadBalancers,DescribeTags,ModifyLoadBalancerAttributes," +
      "RemoveTags,SetSecurityGroups,SetSubnets",
    aws_lb_listener:
      "elasticloadbalancing:CreateListener,DeleteListener,DescribeListenerAttributes,DescribeListeners," +
      "ModifyListener,ModifyListenerAttributes",
    aws_lb_listener_rule: "elasticloadbalancing:CreateRule,DeleteRule,DescribeRules,ModifyRule,SetRulePriorities",
    aws_lb_target_group:
      "elasticloadbalancing:CreateTargetGroup,DeleteTargetGroup,DescribeTargetGroupAttributes," +
      "DescribeTargetGroups,ModifyTargetGroup,ModifyTargetGroupAttributes",
    aws_scheduler_schedule: "scheduler:CreateSchedule,DeleteSchedule,GetSchedule,UpdateSchedule",
    aws_service_discovery_http_namespace:
      "servicediscovery:CreateHttpNamespace,DeleteNamespace,GetNamespace,GetOperation,ListTagsForResource," +
      "TagResource,UpdateHttpNamespace",
  },
  "Machine images": {
    aws_imagebuilder_component: "imagebuilder:CreateComponent,DeleteComponent,GetComponent,TagResource,UntagResource",
    aws_imagebuilder_distribution_configuration:
      "imagebuilder:CreateDistributionConfiguration,DeleteDistributionConfiguration," +
      "GetDistributionConfiguration,TagResource,UntagResource,UpdateDistributionConfiguration",
    aws_imagebuilder_image_pipeline:
      "imagebuilder:CreateImagePipeline,DeleteImagePipeline,GetImagePipeline,TagResource,UntagResource," +
      "UpdateImagePipeline",
    aws_imagebuilder_image_recipe:
      "imagebuilder:CreateImageRecipe,DeleteImageRecipe,GetImageRecipe,TagResource,UntagResource",
    aws_imagebuilder_infrastructure_configuration:
      "imagebuilder:CreateInfrastructureConfiguration,DeleteInfrastructureConfiguration," +
      "GetInfrastructureConfiguration,TagResource,UntagResource,UpdateInfrastructureConfiguration",
    aws_imagebuilder_lifecycle_policy:
      "imagebuilder:CreateLifecyclePolicy,DeleteLifecyclePolicy,GetLifecyclePolicy,TagResource,UntagResource," +
      "UpdateLifecyclePolicy iam:PassRole",
  },
  Networks: {
    aws_availability_zones: "ec2:DescribeAvailabilityZones",
    aws_vpc:
      "ec2:AssociateVpcCidrBlock,CreateTags,CreateVpc,DeleteTags,DeleteVpc,DescribeVpcAttribute,DescribeVpcs," +
      "DisassociateVpcCidrBlock,ModifyVpcAttribute",
    aws_subnet: "ec2:CreateSubnet,DeleteSubnet,DescribeSubnets,ModifySubnetAttribute",
    aws_internet_gateway:
      "ec2:AttachInternetGateway,CreateInternetGateway,DeleteInternetGateway,DescribeInternetGateways," +
      "DetachInternetGateway",
    aws_egress_only_internet_gateway:
      "ec2:CreateEgressOnlyInternetGateway,DeleteEgressOnlyInternetGateway,DescribeEgressOnlyInternetGateways",
    aws_eip: "ec2:AllocateAddress,DescribeAddresses,DescribeAddressesAttribute,DisassociateAddress,ReleaseAddress",
    aws_nat_gateway: "ec2:CreateNatGateway,DeleteNatGateway,DescribeNatGateways",
    aws_route_table: "ec2:CreateRouteTable,DeleteRouteTable,DescribeRouteTables",
    aws_route: "ec2:CreateRoute,DeleteRoute,ReplaceRoute",
    aws_route_table_association: "ec2:AssociateRouteTable,DisassociateRouteTable,ReplaceRouteTableAssociation",
    aws_vpc_endpoint:
      "ec2:CreateVpcEndpoint,DeleteVpcEndpoints,DescribePrefixLists,DescribeVpcEndpoints,ModifyVpcEndpoint",
    aws_default_security_group: "ec2:DescribeSecurityGroups,RevokeSecurityGroupEgress,RevokeSecurityGroupIngress",
    aws_security_group:
      "ec2:CreateSecurityGroup,DeleteSecurityGroup,DescribeNetworkInterfaces,DescribeSecurityGroups," +
      "RevokeSecurityGroupEgress",
    aws_vpc_security_group_egress_rule:
      "ec2:AuthorizeSecurityGroupEgress,DescribeSecurityGroupRules,ModifySecurityGroupRules," +
      "RevokeSecurityGroupEgress",
    aws_vpc_security_group_ingress_rule:
      "ec2:AuthorizeSecurityGroupIngress,DescribeSecurityGroupRules,ModifySecurityGroupRules," +
      "RevokeSecurityGroupIngress",
    aws_flow_log: "ec2:CreateFlowLogs,DeleteFlowLogs,DescribeFlowLogs logs:CreateLogDelivery,DeleteLogDelivery",
  },
};
