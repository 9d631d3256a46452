import { Construct } from "constructs";
import type { ITerraformDependable } from "#cdktf";
import { Apigatewayv2Api } from "#provider-aws/apigatewayv2-api";
import { Apigatewayv2Integration } from "#provider-aws/apigatewayv2-integration";
import { Apigatewayv2Route } from "#provider-aws/apigatewayv2-route";
import { Apigatewayv2Stage } from "#provider-aws/apigatewayv2-stage";
import { CloudwatchLogMetricFilter } from "#provider-aws/cloudwatch-log-metric-filter";
import { LambdaPermission } from "#provider-aws/lambda-permission";
import { metricsNamespace } from "../../../handlers/lib/core/ports.ts";
import { acceptFindings } from "../accepted-findings.ts";
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

/** Requests that were answered 429, in our namespace by fleet; an HTTP API's own `4xx` does not tell them apart. */
export const webhookThrottledMetric = "WebhookThrottled";

/**
 * The public endpoint of a fleet: an HTTP API with throttling and access log in front of the webhook function. The API
 * itself answers 404 to all but `POST` to one of the paths, and each path has a throttle of its own,
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html.
 */
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
      /** Paths that take messages, each with a leading slash. */
      readonly paths: readonly string[];
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
    const routes = props.paths.map((path) => {
      const route = new Apigatewayv2Route(this, `route${path.replaceAll("/", "-")}`, {
        apiId: api.id,
        routeKey: `POST ${path}`,
        target: `integrations/${integration.id}`,
      });
      acceptFindings(route, {
        CKV_AWS_309: "Vendors sign requests and know no AWS credentials: the function checks each signature.",
      });
      return route;
    });
    const logGroup = createLogGroup(this, "access-log", context, logGroupName(context.name, "webhook-access"));
    const stage = new Apigatewayv2Stage(this, "stage", {
      apiId: api.id,
      name: "$default",
      autoDeploy: true,
      routeSettings: routes.map(({ routeKeyInput }) => ({
        routeKey: String(routeKeyInput),
        throttlingRateLimit: props.throttleRatePerSecond,
        throttlingBurstLimit: props.throttleBurst,
      })),
      accessLogSettings: {
        destinationArn: logGroup.arn,
        format: JSON.stringify({ fleet: context.name, ...accessLogFormat }),
      },
      // The settings of a route are refused before the route is there.
      dependsOn: routes,
    });
    new CloudwatchLogMetricFilter(this, "throttled", {
      name: `${context.name}-webhook-throttled`,
      logGroupName: logGroup.name,
      pattern: '{ $.status = "429" }',
      metricTransformation: {
        namespace: metricsNamespace,
        name: webhookThrottledMetric,
        value: "1",
        dimensions: { Fleet: "$.fleet" },
      },
    });
    const permission = new LambdaPermission(this, "permission", {
      action: "lambda:InvokeFunction",
      functionName: target.function.functionName,
      principal: "apigateway.amazonaws.com",
      sourceArn: `${api.executionArn}/*`,
    });
    this.id = api.id;
    this.url = api.apiEndpoint;
    this.ready = [stage, ...routes, permission, target.function];
  }
}
