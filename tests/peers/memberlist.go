// A memberlist peer for tests and benchmarks: one or several members in one process. It says what happens on stdout, one JSON
// object a line, and takes commands on stdin: "members", "leave", "shutdown NAME". Built without network against Debian's
// golang-github-hashicorp-memberlist-dev: GO111MODULE=off GOPATH=/usr/share/gocode go build memberlist.go
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

var out sync.Mutex

func say(fields map[string]interface{}) {
	out.Lock()
	defer out.Unlock()
	fields["at"] = float64(time.Now().UnixNano()) / 1e9
	line, _ := json.Marshal(fields)
	fmt.Println(string(line))
}

// observer tells what one member sees; its log lines name suspicions, which memberlist has no event for.
type observer struct {
	name string
	meta []byte
}

func (o observer) NotifyJoin(n *memberlist.Node)   { o.tell("alive", n) }
func (o observer) NotifyUpdate(n *memberlist.Node) { o.tell("update", n) }
func (o observer) NotifyLeave(n *memberlist.Node) {
	state := "dead"
	if n.State == memberlist.StateLeft {
		state = "left"
	}
	o.tell(state, n)
}
func (o observer) tell(what string, n *memberlist.Node) {
	say(map[string]interface{}{"observer": o.name, "state": what, "name": n.Name, "meta": string(n.Meta)})
}
func (o observer) NodeMeta(limit int) []byte            { return o.meta }
func (o observer) NotifyMsg(message []byte)             { say(map[string]interface{}{"observer": o.name, "message": string(message)}) }
func (o observer) GetBroadcasts(int, int) [][]byte      { return nil }
func (o observer) LocalState(bool) []byte               { return nil }
func (o observer) MergeRemoteState(buf []byte, _ bool)  {}
func (o observer) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if at := strings.Index(text, "Suspect "); at >= 0 {
		say(map[string]interface{}{"observer": o.name, "state": "suspect", "name": strings.Fields(text[at:])[1]})
	}
	if strings.Contains(text, "[ERR]") {
		say(map[string]interface{}{"observer": o.name, "error": text})
	}
	return len(line), nil
}

func main() {
	name := flag.String("name", "go", "name; with --count, its prefix")
	port := flag.Int("port", 0, "gossip port; with --count, the first of them")
	count := flag.Int("count", 1, "members in this process; the others join the first")
	join := flag.String("join", "", "HOST:PORT of a member")
	key := flag.String("key", "", "gossip key in base64")
	meta := flag.String("meta", "", "metadata")
	profile := flag.String("profile", "lan", "lan or local")
	flag.Parse()
	log.SetOutput(io.Discard)
	members := map[string]*memberlist.Memberlist{}
	for i := 0; i < *count; i++ {
		config := memberlist.DefaultLANConfig()
		if *profile == "local" {
			config = memberlist.DefaultLocalConfig()
		}
		config.Name = *name
		if *count > 1 {
			config.Name = fmt.Sprintf("%s%d", *name, i)
		}
		config.BindAddr, config.AdvertiseAddr = "127.0.0.1", "127.0.0.1"
		config.BindPort, config.AdvertisePort = *port+i, *port+i
		if *key != "" {
			config.SecretKey, _ = base64.StdEncoding.DecodeString(*key)
		}
		watch := observer{config.Name, []byte(*meta)}
		config.Events, config.Delegate = watch, watch
		config.Logger, config.LogOutput = log.New(watch, "", 0), nil
		member, err := memberlist.Create(config)
		if err != nil {
			say(map[string]interface{}{"fatal": err.Error()})
			os.Exit(1)
		}
		seed := *join
		if i > 0 {
			seed = fmt.Sprintf("127.0.0.1:%d", *port)
		}
		if seed != "" {
			if _, err := member.Join([]string{seed}); err != nil {
				say(map[string]interface{}{"observer": config.Name, "error": "join: " + err.Error()})
			}
		}
		members[config.Name] = member
	}
	say(map[string]interface{}{"ready": len(members)})
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		words := strings.Fields(commands.Text())
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "members":
			for observerName, member := range members {
				names := []string{}
				for _, n := range member.Members() {
					names = append(names, n.Name)
				}
				say(map[string]interface{}{"observer": observerName, "members": names})
			}
		case "shutdown":
			say(map[string]interface{}{"shutdown": words[1]})
			members[words[1]].Shutdown()
			delete(members, words[1])
		case "leave":
			for _, member := range members {
				member.Leave(2 * time.Second)
				member.Shutdown()
			}
			return
		}
	}
}
