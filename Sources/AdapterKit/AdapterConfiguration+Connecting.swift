public import GRPC
internal import NIOCore

extension AdapterConfiguration {
  /// Where to listen. Throws where others could reach the adapter without TLS.
  var listenAddress: Address {
    get throws(AdapterError) {
      let address: Address
      do throws(AddressError) { address = try Address(listen) } catch {
        throw AdapterError(.badConfiguration, error.description)
      }
      guard insecure || tls.certificate != nil || address.isLocal else {
        throw AdapterError(
          .badConfiguration,
          "other machines can reach \(address), and without TLS they can read and change "
            + "everything; give a certificate and its key, listen on 127.0.0.1, or allow it with "
            + "--insecure where the network is trusted")
      }
      return address
    }
  }

  /// A channel to the orchestrator. Throws where it would go to another machine without TLS, and
  /// where the certificates or the token cannot be used.
  public func openChannel() throws(AdapterError) -> ClientChannel { try openChannel(on: nil) }

  /// - Parameter interceptors: what all its calls go through.
  func openChannel(
    on loop: (any EventLoop)?, interceptors: [any ClientInterceptor] = []
  ) throws(AdapterError) -> ClientChannel {
    let endpoint: Endpoint
    do throws(AddressError) { endpoint = try Endpoint(orchestrator) } catch {
      throw AdapterError(.badConfiguration, error.description)
    }
    guard insecure || endpoint.isProtected else {
      throw AdapterError(
        .badConfiguration,
        "the orchestrator at \(endpoint) is on another machine; write https://\(endpoint), or allow "
          + "cleartext with --insecure where the network is trusted")
    }
    var channel = ChannelConfiguration(
      backoff: Backoff(initial: backoffFirst, multiplier: 2, max: backoffLast),
      keepalive: keepalive, interceptors: interceptors + (try bearerToken(endpoint)))
    if endpoint.usesTLS {
      let client = tls.client()
      do throws(TLSError) { try client.check() } catch {
        throw AdapterError(.badConfiguration, error.message)
      }
      channel.tls = client
    }
    return ClientChannel(
      address: endpoint.address, configuration: channel, eventLoopGroup: loop)
  }

  private func bearerToken(_ endpoint: Endpoint) throws(AdapterError) -> [any ClientInterceptor] {
    guard tokenFile != nil || token != nil else { return [] }
    guard endpoint.isProtected else {
      throw AdapterError(
        .badConfiguration,
        "the token would be sent in cleartext to \(endpoint); write https://\(endpoint)")
    }
    do throws(TokenError) {
      if let file = try tokenFile.map(TokenFile.init) { return [ClientBearerToken { file.token }] }
    } catch {
      throw AdapterError(.badConfiguration, "token_file: \(error.message)")
    }
    return token.map { token in [ClientBearerToken { token }] } ?? []
  }

  /// How the orchestrator is told to call an adapter that listens there.
  func reachable(at listening: String) throws(AdapterError) -> String {
    do throws(AddressError) {
      var endpoint = try Endpoint(advertise ?? listening)
      if case .tcp = endpoint.address, tls.certificate != nil { endpoint.usesTLS = true }
      return endpoint.description
    } catch {
      throw AdapterError(.badConfiguration, error.description)
    }
  }
}
