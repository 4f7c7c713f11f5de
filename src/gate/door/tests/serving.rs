//! Requests in order get answers in order.

use super::*;

#[test]
fn keeps_the_connection_and_answers_in_order() {
    let house = House::new(Echo::default(), Settings::default());
    let mut client = house.connect();
    for number in 0..100 {
        let answer = client.send(get(&format!("/n/{number}"))).answer().unwrap();
        assert_eq!((answer.status, answer.text()), (200, format!("GET /n/{number} ")));
        assert_eq!(answer.header("Connection"), Some("Keep-Alive"));
        assert!(answer.header("Date").is_some_and(|date| date.ends_with(" GMT")));
    }
}

#[test]
fn answers_pipelined_requests_in_order() {
    let house = House::new(Echo::default(), Settings::default());
    let mut client = house.connect();
    let mut bytes = String::new();
    for number in 0..500 {
        bytes += &if number % 3 == 0 {
            post(&format!("/{number}"), "body")
        } else {
            get(&format!("/{number}"))
        };
    }
    client.send(bytes);
    for number in 0..500 {
        let answer = client.answer().unwrap();
        assert!(
            answer.text().split(' ').nth(1) == Some(&format!("/{number}")),
            "{}",
            answer.text()
        );
    }
}

#[test]
fn reads_a_request_whatever_pieces_it_comes_in() {
    let house = House::new(Echo::default(), Settings::default());
    let whole = post("/a?b=c", "0123456789");
    let mut client = house.connect();
    for byte in whole.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.answer().unwrap().text(), "POST /a?b=c 0123456789");
}

#[test]
fn decodes_chunks() {
    let house = House::new(Echo::default(), Settings::default());
    let mut client = house.connect();
    client.send("POST / HTTP/1.1\r\nHost: db\r\nTransfer-Encoding: Chunked\r\n\r\n");
    client.send("4\r\nWiki\r\nA;name=value\r\n0123456789\r\n0\r\nTrace: 1\r\n\r\n");
    client.send(get("/next"));
    assert_eq!(client.answer().unwrap().text(), "POST / Wiki0123456789");
    assert_eq!(client.answer().unwrap().text(), "GET /next ");
}

#[test]
fn gives_leave_to_send_a_body() {
    let house = House::new(Echo::default(), Settings::default());
    let mut client = house.connect();
    client.send("POST / HTTP/1.1\r\nHost: db\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.answer_head().unwrap().status, 100);
    assert_eq!(client.send("body").answer().unwrap().text(), "POST / body");
    // A client that did not wait gets its answer at once.
    client.send("POST / HTTP/1.1\r\nHost: db\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody");
    assert_eq!(client.answer().unwrap().status, 200);
}

#[test]
fn answers_head_with_the_length_and_without_the_body() {
    let house = House::new(|_: Request| text(200, "0123456789"), Settings::default());
    let mut client = house.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: db\r\n\r\n").send(get("/"));
    let head = client.answer_head().unwrap();
    assert_eq!(head.header("Content-Length"), Some("10"));
    assert_eq!(client.answer().unwrap().text(), "0123456789");
}

#[test]
fn honours_what_clients_say_about_the_connection() {
    let house = House::new(Echo::default(), Settings::default());
    for (request, keeps) in [
        ("GET / HTTP/1.1\r\nHost: db\r\nConnection: close\r\n\r\n", false),
        ("GET / HTTP/1.0\r\n\r\n", false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true),
        (
            "GET / HTTP/1.1\r\nHost: db\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n",
            true,
        ),
        // A body is expected and none is announced: answered, and nothing after it is read.
        ("POST / HTTP/1.1\r\nHost: db\r\n\r\n", false),
    ] {
        let mut client = house.connect();
        let answer = client.send(request).answer().unwrap();
        assert_eq!(answer.status, 200, "{request}");
        let expected = if keeps { "Keep-Alive" } else { "Close" };
        assert_eq!(answer.header("Connection"), Some(expected), "{request}");
        if keeps {
            assert_eq!(client.send(get("/")).answer().unwrap().status, 200, "{request}");
        } else {
            assert!(client.at_end(), "{request}");
        }
    }
}

#[test]
fn hands_on_the_headers_that_do_not_concern_the_connection() {
    let names = |request: Request| {
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        text(200, names.join(" "))
    };
    let house = House::new(names, Settings::default());
    let mut client = house.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: db\r\nAuthorization: Basic YTpi\r\nConnection: keep-alive, TE\r\nKeep-Alive: timeout=5\r\n\
         TE: trailers\r\nUpgrade: h2c\r\nProxy-Connection: x\r\nX-Arango-Driver: d\r\nExpect: 100-continue\r\n\
         Content-Length: 2\r\n\r\n{}",
    );
    assert_eq!(client.answer().unwrap().text(), "host authorization x-arango-driver");
}

#[test]
fn a_panic_costs_one_request() {
    let moody = |request: Request| {
        assert!(request.target != "/panic", "as asked");
        text(200, "fine")
    };
    let house = House::new(
        moody,
        Settings {
            workers: 1,
            ..Settings::default()
        },
    );
    let mut client = house.connect();
    client.send(get("/panic")).send(get("/"));
    let answer = client.answer().unwrap();
    assert_eq!(answer.status, 500);
    assert!(!answer.text().contains("as asked"), "a panic's text stays in the log");
    assert_eq!(client.answer().unwrap().status, 200);
    assert_eq!(house.observer().stats().panics, 1);
}

#[test]
fn a_large_answer_arrives_whole() {
    let large = |_: Request| text(200, vec![b'x'; 20_000_000]);
    let house = House::new(large, Settings::default());
    let mut client = house.connect();
    client.send(get("/")).send(get("/"));
    for _ in 0..2 {
        let answer = client.answer().unwrap();
        assert_eq!(answer.body.len(), 20_000_000);
        assert!(answer.body.iter().all(|&byte| byte == b'x'));
    }
}

#[test]
fn a_handlers_header_cannot_split_the_response() {
    let evil = |_: Request| {
        let mut response = text(200, "");
        response
            .headers
            .push(("Etag".to_owned(), "a\r\nSet-Cookie: x=1".to_owned()));
        response
    };
    let house = House::new(evil, Settings::default());
    let answer = house.connect().send(get("/")).answer().unwrap();
    assert_eq!((answer.header("Etag"), answer.header("Set-Cookie")), (None, None));
}

#[test]
fn several_addresses_are_one_door() {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let listeners = Listeners::bind(&[any, any]).unwrap();
    let addresses = listeners.addresses().unwrap();
    let door = Door::open(listeners, Settings::default(), Arc::new(Echo::default())).unwrap();
    for address in addresses {
        let mut client = Client::new(TcpStream::connect(address).unwrap());
        assert_eq!(client.send(get("/")).answer().unwrap().status, 200);
    }
    assert!(door.close(PATIENCE));
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let first = Listeners::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
    let taken = first.addresses().unwrap()[0];
    let error = Listeners::bind(&[taken]).unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {taken}"));
}

#[test]
fn closing_finishes_what_is_active_and_ends_what_is_idle() {
    let (started, has_started) = std::sync::mpsc::channel();
    let (finish, may_finish) = std::sync::mpsc::channel::<()>();
    let may_finish = Mutex::new(may_finish);
    let slow = move |request: Request| {
        if request.target == "/slow" {
            started.send(()).unwrap();
            may_finish.lock().unwrap().recv().unwrap();
        }
        text(200, "done")
    };
    let house = House::new(slow, Settings::default());
    let mut idle = house.connect();
    assert_eq!(idle.send(get("/")).answer().unwrap().status, 200);
    let mut active = house.connect();
    active.send(get("/slow"));
    has_started.recv().unwrap();
    let address = house.address;
    let closing = std::thread::spawn(move || house.door.close(PATIENCE));
    assert!(idle.at_end());
    wait_until("the port closed", || TcpStream::connect(address).is_err());
    finish.send(()).unwrap();
    let answer = active.answer().unwrap();
    assert_eq!((answer.status, answer.header("Connection")), (200, Some("Close")));
    assert!(closing.join().unwrap(), "everything had finished");
}

#[test]
fn closing_does_not_wait_for_ever() {
    let (finish, may_finish) = std::sync::mpsc::channel::<()>();
    let may_finish = Mutex::new(may_finish);
    let house = House::new(
        move |_: Request| {
            let _ = may_finish.lock().unwrap().recv();
            text(200, "late")
        },
        Settings::default(),
    );
    let mut client = house.connect();
    client.send(get("/"));
    house.wait_for_phase(Phase::Active, 1);
    assert!(!house.door.close(Duration::from_millis(50)));
    drop(finish);
}
