-- vi: Từ hộp gửi đến sổ, có gì mất dọc đường không?
-- en: From the outboxes to the books: is anything lost on the way?
-- audience: operator, analyst
-- chart: bar hop_vi expected,found
-- unit: vi: sự kiện | en: events
SELECT hop, any(h.hop_vi) AS hop_vi, any(h.hop_en) AS hop_en, sum(h.expected) AS expected, sum(h.found) AS found,
    sum(h.in_flight) AS in_flight, sum(h.broken) AS broken,
    multiIf(broken > 0, 'broken', in_flight > 0, 'in_flight', 'equal') AS state, max(h.at) AS judged_at
FROM v_conservation AS h
GROUP BY hop
ORDER BY indexOf(['outbox_kafka', 'kafka_loader', 'loader_rows', 'events_books'], hop)
