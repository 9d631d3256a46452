import { Apigatewayv2Api } from "@cdktf/provider-aws/lib/apigatewayv2-api";
import { Apigatewayv2Integration } from "@cdktf/provider-aws/lib/apigatewayv2-integration";
import { Apigatewayv2Route } from "@cdktf/provider-aws/lib/apigatewayv2-route";
import { Apigatewayv2Stage } from "@cdktf/provider-aws/lib/apigatewayv2-stage";
import { LambdaPermission } from "@cdktf/provider-aws/lib/lambda-permission";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { createLogGroup, logGroupName } from "../log-group.ts";
import type { StackContext } from "../stack-context.ts";
import type { HandlerFunction } from "./handler-function.ts";

const accessLogFormat = {
  requestId: "$context.requestId",
  ip: "$context.identity.sourceIp",
  time: "$context.requestTime",
  method: "$context.httpMethod",
  path: "$context.path",
  status: "$context.status",
  bytes: "$context.responseLength",
  integrationError: "$context.integrationErrorMessage",
};

/** The public endpoint of a fleet: an HTTP API with throttling and access log in front of the webhook function. */
export class WebhookApi extends Construct {
  readonly id: string;
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** Resources that must exist before the endpoint answers. */
  readonly ready: readonly ITerraformDependable[];

  constructor(
    scope: Construct,
    id: string,
    props: {
      readonly context: StackContext;
      readonly target: HandlerFunction;
      readonly throttleRatePerSecond: number;
      readonly throttleBurst: number;
    },
  ) {
    super(scope, id);
    const { context, target } = props;
    const api = new Apigatewayv2Api(this, "api", {
      name: `${context.name}-webhook`,
      description: `Wakes the scaling loop of fleet ${context.name}`,
      protocolType: "HTTP",
    });
    const integration = new Apigatewayv2Integration(this, "integration", {
      apiId: api.id,
      integrationType: "AWS_PROXY",
      integrationUri: target.function.invokeArn,
      payloadFormatVersion: "2.0",
      timeoutMilliseconds: 10_000,
    });
    const route = new Apigatewayv2Route(this, "route", {
      apiId: api.id,
      routeKey: "$default",
      target: `integrations/${integration.id}`,
    });
    const logGroup = createLogGroup(this, "access-log", context, logGroupName(context.name, "webhook-access"));
    const stage = new Apigatewayv2Stage(this, "stage", {
      apiId: api.id,
      name: "$default",
      autoDeploy: true,
      defaultRouteSettings: {
        throttlingRateLimit: props.throttleRatePerSecond,
        throttlingBurstLimit: props.throttleBurst,
      },
      accessLogSettings: { destinationArn: logGroup.arn, format: JSON.stringify(accessLogFormat) },
    });
    const permission = new LambdaPermission(this, "permission", {
      action: "lambda:InvokeFunction",
      functionName: target.function.functionName,
      principal: "apigateway.amazonaws.com",
      sourceArn: `${api.executionArn}/*`,
    });
    this.id = api.id;
    this.url = api.apiEndpoint;
    this.ready = [stage, route, permission, target.function];
  }
}
