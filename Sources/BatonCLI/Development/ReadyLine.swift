internal import Configuration
internal import Foundation
internal import GRPC
internal import JSON
internal import Service
internal import Store

/// What a process prints on standard output when it accepts calls.
enum ReadyLine {
  static func text(
    _ addresses: BatonServer.Addresses, _ configuration: Configuration.ServerConfiguration
  ) -> String {
    text(grpc: addresses.grpc, http: addresses.http, configuration)
  }

  static func text(
    grpc: String, http: String, _ configuration: Configuration.ServerConfiguration
  ) -> String {
    var object = JSONObject()
    object.add("grpc", grpc)
    object.add("http", http)
    object.add("pid", ProcessInfo.processInfo.processIdentifier)
    object.add("version", toolVersion)
    object.add("store", configuration.store.kind)
    return "READY \(object.value.text)"
  }
}

extension BatonServer {
  /// Starts; a failure is told as a command's failure with its exit code.
  func startReporting(
    _ configuration: Configuration.ServerConfiguration
  ) async throws(CommandFailure) -> Addresses {
    do {
      return try await start()
    } catch let error as StoreError {
      throw CommandFailure(
        .store, code: "STORE_UNUSABLE", message: "the store cannot be used: \(error.message)")
    } catch let error as TLSError {
      throw CommandFailure(.usage, code: "BAD_CERTIFICATE", message: error.message)
    } catch let error as TokenError {
      throw CommandFailure(
        .usage, code: "BAD_TOKENS_FILE", message: "auth.tokens_file: \(error.message)")
    } catch {
      throw await ListenFailure.failure(configuration, error)
    }
  }
}
