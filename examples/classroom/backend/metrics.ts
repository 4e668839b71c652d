import type { Handler } from "express";

export interface Metrics {
  count: Handler;
  /** In Prometheus' text format, without a sign-in. */
  show: Handler;
}

export function httpMetrics(openSockets: () => number): Metrics {
  const byStatus = new Map<number, number>();
  let seconds = 0;
  return {
    count(_request, response, next) {
      const started = performance.now();
      response.once("finish", () => {
        byStatus.set(response.statusCode, (byStatus.get(response.statusCode) ?? 0) + 1);
        seconds += (performance.now() - started) / 1000;
      });
      next();
    },
    show(_request, response) {
      const requests = [...byStatus].map(([status, count]) => `classroom_http_requests_total{status="${status}"} ${count}`);
      const total = [...byStatus.values()].reduce((sum, count) => sum + count, 0);
      const lines = [
        "# HELP classroom_http_requests_total Requests answered.",
        "# TYPE classroom_http_requests_total counter",
        ...requests,
        "# HELP classroom_http_request_duration_seconds Time to the end of the answer.",
        "# TYPE classroom_http_request_duration_seconds summary",
        `classroom_http_request_duration_seconds_sum ${seconds}`,
        `classroom_http_request_duration_seconds_count ${total}`,
        "# HELP classroom_websocket_connections Open sockets.",
        "# TYPE classroom_websocket_connections gauge",
        `classroom_websocket_connections ${openSockets()}`,
        "# HELP process_resident_memory_bytes Resident memory.",
        "# TYPE process_resident_memory_bytes gauge",
        `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
      ];
      response.type("text/plain; version=0.0.4").send(`${lines.join("\n")}\n`);
    },
  };
}
