internal import CNghttp2
internal import NIOCore

/// The C side of a session: handle, callbacks, return codes.
enum SessionLibrary {
  /// nghttp2 copies the callbacks into each session, so one set serves all and is never freed.
  private nonisolated(unsafe) static let serverCallbacks = makeCallbacks(.server)
  private nonisolated(unsafe) static let clientCallbacks = makeCallbacks(.client)

  /// Nil when memory is exhausted; then no session can be made either.
  private static func makeCallbacks(_ role: HTTP2Session.Role) -> OpaquePointer? {
    var callbacks: OpaquePointer?
    guard nghttp2_session_callbacks_new(&callbacks) == 0 else { return nil }
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders)
    nghttp2_session_callbacks_set_on_header_callback(callbacks, onHeader)
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrameReceived)
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onData)
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onStreamClosed)
    if role == .server {
      nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, onInvalidFrame)
    } else {
      // Clients also learn which requests have left.
      nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, onFrameSent)
    }
    return callbacks
  }

  private nonisolated(unsafe) static let options: OpaquePointer? = {
    var options: OpaquePointer?
    guard nghttp2_option_new(&options) == 0 else { return nil }
    nghttp2_option_set_no_auto_window_update(options, 1)
    nghttp2_option_set_no_closed_streams(options, 1)
    // `HTTP2FloodLimits.reset` is stricter, knows what was served, and can be set.
    nghttp2_option_set_stream_reset_rate_limit(options, .max, .max)
    return options
  }()

  static func makeHandle(
    _ role: HTTP2Session.Role, _ memory: SessionMemory
  ) throws(HTTP2ConnectionError) -> OpaquePointer? {
    guard let callbacks = role == .server ? serverCallbacks : clientCallbacks else {
      throw error(NGHTTP2_ERR_NOMEM.rawValue)
    }
    var handle: OpaquePointer?
    var allocator = memory.callbacks
    // Possible return codes: 0; NOMEM. They copy the allocator.
    let code =
      switch role {
      case .server: nghttp2_session_server_new3(&handle, callbacks, nil, options, &allocator)
      case .client: nghttp2_session_client_new3(&handle, callbacks, nil, options, &allocator)
      }
    guard code == 0 else { throw error(code) }
    return handle
  }

  /// What a session announces in SETTINGS.
  static func settings(
    _ configuration: HTTP2SessionConfiguration, role: HTTP2Session.Role
  ) -> [nghttp2_settings_entry] {
    func entry(_ id: nghttp2_settings_id, _ value: UInt32) -> nghttp2_settings_entry {
      nghttp2_settings_entry(settings_id: Int32(id.rawValue), value: value)
    }
    var settings = [
      entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, configuration.streamWindowBytes),
      entry(
        NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
        UInt32(clamping: configuration.headerListBytesMax)),
    ]
    switch role {
    case .server:
      settings.append(
        entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, configuration.concurrentStreamsMax))
      // Frees nghttp2 from keeping a priority tree (RFC 9218 §2.1).
      settings.append(entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1))
    case .client:
      settings.append(entry(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
    }
    return settings
  }

  static func submitSettings(
    _ handle: OpaquePointer?, _ configuration: HTTP2SessionConfiguration, role: HTTP2Session.Role
  ) -> Int32 {
    let settings = settings(configuration, role: role)
    let flags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
    // Possible return codes: 0; NOMEM, INVALID_ARGUMENT.
    let code = nghttp2_submit_settings(handle, flags, settings, settings.count)
    guard code == 0 else { return code }
    return nghttp2_session_set_local_window_size(
      handle, flags, 0, Int32(clamping: configuration.connectionWindowBytes))
  }

  static func dataProvider(_ stream: HTTP2Stream) -> nghttp2_data_provider {
    nghttp2_data_provider(
      source: nghttp2_data_source(ptr: Unmanaged.passUnretained(stream).toOpaque()),
      read_callback: readData)
  }

  /// A return code of a call about one stream.
  static func outcome(_ code: Int32) -> HTTP2Outcome {
    if code >= 0 { return .ok }
    if nghttp2_is_fatal(code) != 0 { return .connectionError(.internalError) }
    switch nghttp2_error(code) {
    case NGHTTP2_ERR_START_STREAM_NOT_ALLOWED, NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE:
      return .streamError(.refusedStream)
    case NGHTTP2_ERR_STREAM_CLOSED, NGHTTP2_ERR_STREAM_CLOSING, NGHTTP2_ERR_STREAM_SHUT_WR:
      return .streamError(.streamClosed)
    default:
      return .streamError(.internalError)
    }
  }

  /// A fatal return code.
  static func error(_ code: Int32) -> HTTP2ConnectionError {
    let kind: HTTP2ErrorCode =
      switch nghttp2_error(code) {
      case NGHTTP2_ERR_BAD_CLIENT_MAGIC: .protocolError
      case NGHTTP2_ERR_FLOODED, NGHTTP2_ERR_TOO_MANY_CONTINUATIONS, NGHTTP2_ERR_TOO_MANY_SETTINGS:
        .enhanceYourCalm
      default: .internalError
      }
    let message = nghttp2_strerror(code).map { String(cString: $0) } ?? "code \(code)"
    return HTTP2ConnectionError(code: kind, message: message)
  }
}
