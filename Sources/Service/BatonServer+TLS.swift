internal import Configuration
internal import GRPC
internal import Logging
internal import NIOConcurrencyHelpers

/// What concerns certificates and tokens.
extension BatonServer {
  func serverTLS(_ files: TLSFiles, on address: Address) -> ServerTLS? {
    let throttle = LogThrottle()
    return files.server(
      on: address, onReload: report("the server's certificates"),
      onHandshakeFailure: { [log] peer, error in
        throttle.info(
          log, "a client was refused",
          ["event": "tls_refused", "peer": "\(peer)", "error": "\(error)"])
      })
  }

  func adapterConnections(_ files: TLSFiles) throws(TLSError) -> AdapterConnections {
    // One for all, so that the files are read once.
    let tls = files.client(onReload: report("the certificates for calls to adapters"))
    if files.ca != nil { try tls.check() }
    var channel = ChannelConfiguration(
      interceptors: [ClientLogging(log), ClientMetrics(), ClientTracing()])
    if configuration.adapterKeepaliveMilliseconds > 0 {
      channel.keepalive = Keepalive(
        time: .milliseconds(configuration.adapterKeepaliveMilliseconds),
        timeout: .milliseconds(configuration.adapterKeepaliveTimeoutMilliseconds))
    }
    return AdapterConnections { [channel] target in
      Result { () throws(AddressError) in
        let endpoint = try Endpoint(target)
        var channel = channel
        channel.tls = endpoint.usesTLS ? tls : nil
        return ClientChannel(address: endpoint.address, configuration: channel)
      }
    }
  }

  private func report(_ what: String) -> @Sendable (Result<Void, TLSError>) -> Void {
    { [log] outcome in
      switch outcome {
      case .success:
        log.notice("\(what) were read again", metadata: ["event": "certificates_reloaded"])
      case .failure(let error):
        log.error(
          "\(what) changed and cannot be used; those before are kept",
          metadata: ["event": "certificates_unusable", "error": "\(error)"])
      }
    }
  }

  /// Reads the server's certificates and tokens again, whether or not their files have changed; what
  /// comes of it is logged.
  public func reload() async {
    reloadTokens()
    await reloadCertificates()
  }

  private func reloadTokens() {
    guard let file = configuration.tokensFile,
      let tokens = running.withLockedValue({ $0?.tokens })
    else { return }
    do throws(TokenError) {
      try tokens.reload(file: file)
      log.notice("the tokens were read again", metadata: ["event": "tokens_reloaded"])
    } catch {
      log.error(
        "the file of tokens cannot be used; those before are kept",
        metadata: ["event": "tokens_unusable", "error": "\(error)"])
    }
  }

  private func reloadCertificates() async {
    guard configuration.tls.certificate != nil, let grpc = running.withLockedValue({ $0?.grpc })
    else {
      return
    }
    let report = report("the server's certificates")
    do {
      try await grpc.reloadCertificates()
      report(.success(()))
    } catch {
      report(.failure(error as? TLSError ?? TLSError(.badFile, "\(error)")))
    }
  }
}

extension TLSSettings {
  var files: TLSFiles {
    TLSFiles(
      certificate: certificate, key: key, ca: ca, clientCA: clientCA,
      requiresClientCertificate: requiresClientCertificate, serverName: adapterName,
      reloadInterval: .milliseconds(reloadMilliseconds))
  }
}
