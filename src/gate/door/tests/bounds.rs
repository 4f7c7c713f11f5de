//! Hostile amounts and hostile slowness: bounded, and no trouble for anybody else.

use std::sync::Arc;
use std::sync::mpsc::channel;

use super::*;
use crate::gate::door::Reason;

const SHORT: Duration = Duration::from_millis(60);

fn refusals(house: &House, reason: Reason) -> u64 {
    let stats = house.observer().stats();
    stats
        .refusals
        .iter()
        .find(|(other, _)| *other == reason)
        .map_or(0, |(_, count)| *count)
}

#[test]
fn thousands_of_idle_and_half_sent_connections_hold_no_worker() {
    // As many as a test may take: the full ten thousand are in the bench, with their memory.
    let (idle_count, half_count) = (600, 300);
    let house = House::new(
        Echo::default(),
        Settings {
            workers: 1,
            ..Settings::default()
        },
    );
    let idle: Vec<Client> = (0..idle_count).map(|_| house.connect()).collect();
    let half: Vec<Client> = (0..half_count)
        .map(|number| {
            let mut client = house.connect();
            let begun = if number % 2 == 0 {
                "POST /_api/cursor HTTP/1.1\r\nHost"
            } else {
                "POST / HTTP/1.1\r\nHost: db\r\nContent-Length: 100\r\n\r\nhalf"
            };
            client.send(begun);
            client
        })
        .collect();
    house.wait_for_phase(Phase::Head, half_count / 2);
    house.wait_for_phase(Phase::Body, half_count / 2);
    // One worker, and it is free.
    let mut good = house.connect();
    for _ in 0..50 {
        assert_eq!(good.send(get("/")).answer().unwrap().status, 200);
    }
    let held = house.observer().stats().held_bytes;
    assert!(held < half_count * 2 * 4096, "{held} bytes held");
    drop((idle, half));
    house.wait_for_phase(Phase::Head, 0);
    house.wait_for_phase(Phase::Body, 0);
    assert_eq!(house.observer().stats().held_bytes, 0);
}

#[test]
fn what_a_refused_client_still_sends_costs_few_reads() {
    let house = House::with_limits(Echo::default(), Limits::default());
    let mut client = house.connect();
    client.send("GET / HTTP/2.0\r\n\r\n");
    assert_eq!(client.answer().unwrap().status, 505);
    house.wait_for_phase(Phase::Lingering, 1);
    let (start, before) = (Instant::now(), house.observer().stats().reads);
    for _ in 0..20_000 {
        client.send("x");
    }
    let reads = house.observer().stats().reads - before;
    // Four each ten milliseconds at most.
    let turns = start.elapsed().as_millis() / 10 + 2;
    assert!(u128::from(reads) <= 4 * turns, "{reads} reads in {turns} turns");
    assert!(reads > 0);
}

#[test]
fn crumbs_cost_few_reads() {
    let house = House::with_limits(Echo::default(), Limits::default());
    let mut client = house.connect();
    let start = Instant::now();
    let request = format!("GET / HTTP/1.1\r\nHost: db\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    for byte in request.as_bytes() {
        client.send([*byte]);
    }
    assert_eq!(client.answer().unwrap().status, 200);
    let reads = house.observer().stats().reads;
    assert!(
        reads < most_reads(start.elapsed()),
        "{reads} reads of {} bytes",
        request.len()
    );
    // The next request is nobody's crumbs.
    assert_eq!(client.send(get("/next")).answer().unwrap().status, 200);
}

#[test]
fn a_request_has_to_arrive_in_time() {
    let limits = Limits {
        head_time: SHORT,
        body_time: SHORT,
        ..Limits::default()
    };
    let house = House::with_limits(Echo::default(), limits);
    for begun in [
        "GET / HTTP/1.1\r\nHost: db\r\n",
        "POST / HTTP/1.1\r\nHost: db\r\nContent-Length: 100\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nHost: db\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWi",
    ] {
        let mut client = house.connect();
        assert_eq!(client.send(begun).answer().unwrap().status, 408, "{begun}");
        assert!(client.at_end());
    }
    assert_eq!(refusals(&house, Reason::TooSlow), 3);
}

#[test]
fn bytes_that_drip_in_buy_no_time() {
    let limits = Limits {
        head_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let house = House::with_limits(Echo::default(), limits);
    let mut client = house.connect();
    client.send("GET / HTTP/1.1\r\nHost: db\r\nA: ");
    // A byte every few milliseconds, for as long as the door listens.
    let start = Instant::now();
    while house.in_phase(Phase::Head) > 0 || start.elapsed() < Duration::from_millis(20) {
        assert!(start.elapsed() < PATIENCE, "the door listened for ever");
        client.send("a");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(client.answer().unwrap().status, 408);
}

#[test]
fn an_idle_connection_ends_in_time_and_in_silence() {
    let limits = Limits {
        idle_time: SHORT,
        ..Limits::default()
    };
    let house = House::with_limits(Echo::default(), limits);
    let mut fresh = house.connect();
    let mut used = house.connect();
    assert_eq!(used.send(get("/")).answer().unwrap().status, 200);
    assert!(fresh.at_end() && used.at_end());
}

#[test]
fn an_idle_door_sleeps() {
    let house = House::with_limits(Echo::default(), Limits::default());
    let mut clients: Vec<Client> = (0..3).map(|_| house.connect()).collect();
    for client in &mut clients[1..] {
        assert_eq!(client.send(get("/")).answer().unwrap().status, 200);
    }
    // One is gone, one answered, one has never asked.
    clients.pop();
    house.wait_for_phase(Phase::Idle, 2);
    wait_until("only what will end in minutes is left", || {
        let before = house.observer().stats().turns;
        std::thread::sleep(Duration::from_millis(600));
        house.observer().stats().turns == before
    });
    assert!(house.observer().stats().turns < 20);
}

#[test]
fn a_deadline_that_a_worker_sets_wakes_a_sleeping_door() {
    let limits = Limits {
        write_time: SHORT,
        write_rate: usize::MAX,
        ..Limits::default()
    };
    let house = House::with_limits(|_: Request| text(200, vec![0; 64 * 1024 * 1024]), limits);
    let mut client = house.connect();
    client.send(get("/"));
    house.wait_for_phase(Phase::Writing, 1);
    wait_until("who does not take its answer is gone", || {
        house.observer().stats().slow_readers == 1
    });
    drop(client);
}

#[test]
fn who_does_not_wait_for_answers_takes_no_worker_from_those_who_do() {
    let (release, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let handler = move |request: Request| {
        if request.target == "/hang" {
            let _ = gate.lock().unwrap().recv();
        }
        text(200, request.target)
    };
    let house = House::with_limits(handler, Limits::default());
    let mut greedy: Vec<Client> = (0..8).map(|_| house.connect()).collect();
    for client in &mut greedy {
        client.send(format!("{}{}", get("/first"), get("/hang").repeat(20)));
        assert_eq!(client.answer().unwrap().text(), "/first");
    }
    // The second one of each is queued or being answered.
    wait_until("they hang", || {
        let stats = house.observer().stats();
        stats.requests >= 9 && stats.queued == 7
    });
    for _ in 0..3 {
        let mut client = house.connect();
        assert_eq!(client.send(get("/good")).answer().unwrap().text(), "/good");
    }
    drop(release);
    for client in &mut greedy {
        for _ in 0..20 {
            assert_eq!(client.answer().unwrap().text(), "/hang");
        }
        // Whoever waits again is served like everybody.
        assert_eq!(client.send(get("/good")).answer().unwrap().text(), "/good");
    }
}

#[test]
fn at_its_limit_the_oldest_idle_connection_makes_room() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let house = House::with_limits(Echo::default(), limits);
    let mut clients: Vec<Client> = (1..=3)
        .map(|open| {
            let client = house.connect();
            house.wait_for_phase(Phase::Idle, open);
            client
        })
        .collect();
    // The first becomes the youngest, so the second is the oldest.
    assert_eq!(clients[0].send(get("/")).answer().unwrap().status, 200);
    house.wait_for_phase(Phase::Idle, 3);
    let mut fourth = house.connect();
    assert_eq!(fourth.send(get("/")).answer().unwrap().status, 200);
    assert!(clients[1].at_end());
    for index in [0, 2] {
        assert_eq!(clients[index].send(get("/")).answer().unwrap().status, 200);
    }
    assert_eq!(house.observer().stats().shed, 1);
}

#[test]
fn at_its_limit_without_idle_connections_it_says_so() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let house = House::with_limits(Echo::default(), limits);
    let busy: Vec<Client> = (0..2)
        .map(|_| {
            let mut client = house.connect();
            client.send("POST / HTTP/1.1\r\nHost: db\r\nContent-Length: 9\r\n\r\nhalf");
            client
        })
        .collect();
    house.wait_for_phase(Phase::Body, 2);
    let mut third = house.connect();
    let answer = third.send(get("/")).answer().unwrap();
    assert_eq!((answer.status, answer.header("Retry-After")), (503, Some("1")));
    assert!(answer.text().contains("21003"), "{}", answer.text());
    assert!(third.at_end());
    drop(busy);
    house.wait_for_phase(Phase::Body, 0);
    assert_eq!(house.connect().send(get("/")).answer().unwrap().status, 200);
}

/// A handler whose requests to `/slow` wait until they may go on.
pub(super) fn turnstile() -> (impl Handler + 'static, std::sync::mpsc::Sender<()>) {
    let (open, gate) = channel();
    let gate = Mutex::new(gate);
    let handler = move |request: Request| {
        if request.target == "/slow" {
            let _ = gate.lock().unwrap().recv_timeout(PATIENCE);
        }
        text(200, request.target)
    };
    (handler, open)
}

#[test]
fn a_full_queue_is_answered_and_the_connection_stays() {
    let (handler, open) = turnstile();
    let limits = Limits {
        queue: 2,
        ..Limits::default()
    };
    let house = House::new(
        handler,
        Settings {
            workers: 1,
            limits,
            tls: None,
        },
    );
    // One with the worker, which has to be there before the queue holds two more.
    let mut busy: Vec<Client> = (0..3)
        .map(|number| {
            let mut client = house.connect();
            client.send(get("/slow"));
            wait_until("the request is where it belongs", || {
                let stats = house.observer().stats();
                stats.requests == 1 && stats.queued == number
            });
            client
        })
        .collect();
    let mut client = house.connect();
    for target in ["/a", "/b"] {
        let answer = client.send(get(target)).answer().unwrap();
        assert_eq!((answer.status, answer.header("Connection")), (503, Some("Keep-Alive")));
    }
    for _ in 0..3 {
        open.send(()).unwrap();
    }
    for client in &mut busy {
        assert_eq!(client.answer().unwrap().status, 200);
    }
    assert_eq!(client.send(get("/c")).answer().unwrap().text(), "/c");
}

#[test]
fn who_waited_too_long_is_not_served_late() {
    let (handler, open) = turnstile();
    let limits = Limits {
        queue_time: SHORT,
        ..Limits::default()
    };
    let house = House::new(
        handler,
        Settings {
            workers: 1,
            limits,
            tls: None,
        },
    );
    // On a busy machine the first may have to wait too long as well; then it is asked again.
    let mut first = house.connect();
    let mut refused = 0;
    wait_until("a worker takes the first", || {
        first.send(get("/slow"));
        wait_until("it is with the worker, or refused", || {
            house.observer().stats().requests == 1 || refusals(&house, Reason::Overloaded) > refused
        });
        refused = refusals(&house, Reason::Overloaded);
        house.observer().stats().requests == 1 || first.answer().is_none()
    });
    let mut second = house.connect();
    second.send(get("/second"));
    wait_until("the second queues", || house.observer().stats().queued == 1);
    std::thread::sleep(SHORT * 2);
    open.send(()).unwrap();
    assert_eq!(first.answer().unwrap().status, 200);
    assert_eq!(second.answer().unwrap().status, 503);
}

/// `/health` is the gate's own.
struct WithOwn<H>(H);

impl<H: Handler> Handler for WithOwn<H> {
    fn handle(&self, request: Request) -> Response {
        self.0.handle(request)
    }

    fn is_own(&self, target: &str) -> bool {
        target == "/health"
    }
}

#[test]
fn a_probe_does_not_wait_behind_slow_queries() {
    let (handler, open) = turnstile();
    let house = House::new(
        WithOwn(handler),
        Settings {
            workers: 1,
            ..Settings::default()
        },
    );
    let mut slow = house.connect();
    slow.send(get("/slow"));
    house.wait_for_phase(Phase::Active, 1);
    let mut probe = house.connect();
    assert_eq!(probe.send(get("/health")).answer().unwrap().text(), "/health");
    // The reserved worker serves nothing else, on the same connection either.
    probe.send(get("/other"));
    wait_until("the request queues", || house.observer().stats().queued == 1);
    open.send(()).unwrap();
    assert_eq!(slow.answer().unwrap().text(), "/slow");
    assert_eq!(probe.answer().unwrap().text(), "/other");
}

/// Answers `/` in two bytes, everything else with more than sockets hold.
fn large() -> impl Handler + 'static {
    |request: Request| text(200, vec![b'x'; if request.target == "/" { 2 } else { 30_000_000 }])
}

/// Clients that ask for a large answer and do not take it.
fn slow_readers(house: &House) -> Vec<Client> {
    (0..4)
        .map(|_| {
            let mut client = house.connect();
            client.send(get("/large"));
            client
        })
        .collect()
}

#[test]
fn slow_readers_hold_no_worker() {
    let house = House::new(
        large(),
        Settings {
            workers: 1,
            ..Settings::default()
        },
    );
    let slow = slow_readers(&house);
    house.wait_for_phase(Phase::Writing, 4);
    assert_eq!(house.connect().send(get("/")).answer().unwrap().status, 200);
    assert_eq!(house.in_phase(Phase::Writing), 4);
    drop(slow);
    wait_until("nothing is held", || house.observer().stats().held_bytes == 0);
}

#[test]
fn slow_readers_are_not_waited_for_long() {
    let limits = Limits {
        write_time: Duration::from_millis(300),
        write_rate: 1_000_000_000,
        ..Limits::default()
    };
    let house = House::new(
        large(),
        Settings {
            workers: 1,
            limits,
            tls: None,
        },
    );
    let mut slow = slow_readers(&house);
    wait_until("their time is up", || house.observer().stats().slow_readers == 4);
    wait_until("nothing is held", || house.observer().stats().held_bytes == 0);
    assert!(
        slow.iter_mut().all(|client| client.answer().is_none()),
        "a cut answer is no answer"
    );
}

#[test]
fn untaken_answers_over_the_sum_cost_those_who_do_not_take_them() {
    let limits = Limits {
        buffered_bytes: 70_000_000,
        ..Limits::default()
    };
    let house = House::with_limits(large(), limits);
    let slow: Vec<Client> = (0..5)
        .map(|_| {
            let mut client = house.connect();
            client.send(get("/large"));
            client
        })
        .collect();
    wait_until("those over the limit are closed", || {
        let stats = house.observer().stats();
        stats.shed == 3 && stats.held_bytes <= 70_000_000
    });
    assert_eq!(house.connect().send(get("/")).answer().unwrap().status, 200);
    drop(slow);
}

#[test]
fn unfinished_bodies_over_the_sum_are_refused() {
    let limits = Limits {
        buffered_bytes: 3_000_000,
        ..Limits::default()
    };
    let house = House::with_limits(Echo::default(), limits);
    let begun = [
        "POST / HTTP/1.1\r\nHost: db\r\nContent-Length: 2000000\r\n\r\n",
        &"x".repeat(1_900_000),
    ]
    .concat();
    let mut clients: Vec<Client> = (0..4)
        .map(|_| {
            let mut client = house.connect();
            client.send(&begun);
            client
        })
        .collect();
    wait_until("the sum is kept", || refusals(&house, Reason::Overloaded) > 0);
    assert!(house.observer().stats().held_bytes <= 3_000_000 + 4 * 64 * 1024 + 2_000_000);
    // A small request passes all the same.
    assert_eq!(house.connect().send(post("/", "small")).answer().unwrap().status, 200);
    clients.clear();
    wait_until("nothing is held", || house.observer().stats().held_bytes == 0);
}

#[test]
fn a_stated_length_is_no_allocation() {
    let house = House::new(Echo::default(), Settings::default());
    let clients: Vec<Client> = (0..100)
        .map(|_| {
            let mut client = house.connect();
            client.send("POST / HTTP/1.1\r\nHost: db\r\nContent-Length: 16777216\r\n\r\n");
            client
        })
        .collect();
    house.wait_for_phase(Phase::Body, 100);
    assert!(house.observer().stats().held_bytes <= 100 * 8192);
    drop(clients);
}

#[test]
fn a_body_at_the_limit_passes_and_one_byte_more_does_not() {
    let limits = Limits {
        body_bytes: 1000,
        ..Limits::default()
    };
    let house = House::with_limits(|request: Request| text(200, request.body.len().to_string()), limits);
    let chunked = |count: usize| {
        format!(
            "POST / HTTP/1.1\r\nHost: db\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n",
            "1\r\nx\r\n".repeat(count)
        )
    };
    for (request, expected) in [
        (post("/", &"x".repeat(1000)), 200),
        (post("/", &"x".repeat(1001)), 413),
        (chunked(1000), 200),
        (chunked(1001), 413),
    ] {
        assert_eq!(house.connect().send(request).answer().unwrap().status, expected);
    }
}

#[test]
fn a_client_that_leaves_midway_leaves_nothing() {
    let echo = Arc::new(Echo::default());
    let house = House::shared(echo.clone(), Settings::default());
    for begun in [
        "GE",
        "GET / HTTP/1.1\r\nHost: db\r\n",
        "POST / HTTP/1.1\r\nHost: db\r\nContent-Length: 10\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nHost: db\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n",
    ] {
        house.connect().send(begun);
    }
    wait_until("four came", || house.observer().stats().accepted == 4);
    wait_until("four went", || {
        house
            .observer()
            .stats()
            .connections
            .iter()
            .all(|(_, count)| *count == 0)
    });
    assert_eq!(*echo.seen.lock().unwrap(), Vec::<String>::new());
    assert_eq!(house.observer().stats().held_bytes, 0);
}

#[test]
fn many_clients_at_once_each_get_their_own_answers() {
    let house = House::new(
        Echo::default(),
        Settings {
            workers: 3,
            ..Settings::default()
        },
    );
    let address = house.address;
    let threads: Vec<_> = (0..16)
        .map(|client_number| {
            std::thread::spawn(move || {
                let mut client = Client::new(TcpStream::connect(address).unwrap());
                for number in 0..200 {
                    let target = format!("/{client_number}/{number}");
                    let answer = client.send(post(&target, "body")).answer().unwrap();
                    assert_eq!(answer.text(), format!("POST {target} body"));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(house.observer().stats().requests, 16 * 200);
}

/// The limit on bodies can change while the door is open.
struct WithLimit(std::sync::atomic::AtomicUsize);

impl Handler for Arc<WithLimit> {
    fn handle(&self, request: Request) -> Response {
        text(200, request.body.len().to_string())
    }

    fn body_limit(&self) -> Option<usize> {
        Some(self.0.load(std::sync::atomic::Ordering::Relaxed))
    }
}

#[test]
fn the_policys_limit_on_bodies_holds_at_once() {
    let handler = Arc::new(WithLimit(100.into()));
    let house = House::new(Arc::clone(&handler), Settings::default());
    let status = |size: usize| {
        house
            .connect()
            .send(post("/", &"x".repeat(size)))
            .answer()
            .unwrap()
            .status
    };
    assert_eq!((status(100), status(101)), (200, 413));
    handler.0.store(20_000_000, std::sync::atomic::Ordering::Relaxed);
    assert_eq!((status(101), status(20_000_000)), (200, 200));
}
