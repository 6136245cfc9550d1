/** A client of Moodfeed for Node, over gRPC or HTTP. */

import { type ClientOptions, MoodfeedClient } from "./client.js";
import { type GrpcOptions, GrpcTransport } from "./grpc_transport.js";

export { type GrpcOptions, GrpcTransport, type Tls } from "./grpc_transport.js";
export * from "./index.js";

/** A client over gRPC. */
export function grpcClient(options: GrpcOptions & ClientOptions = {}): MoodfeedClient {
  return new MoodfeedClient(new GrpcTransport(options), options);
}
