// Command hushtag-check answers questions from a server's flags, one JSON object a line:
//
//	echo '{"hashtag": "#SomeTag", "surface": "trends", "country": "IN"}' | hushtag-check -redis redis://127.0.0.1:6379/0
//
// With -normalise it reads JSON texts and prints their normal forms, without a server.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"hushtag"
)

func main() {
	url := flag.String("redis", "redis://127.0.0.1:6379/0", "server with the flags")
	only := flag.Bool("normalise", false, "normalise JSON texts, one a line")
	wait := flag.Duration("wait", 10*time.Second, "time limit for the first snapshot")
	flag.Parse()
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<22)
	output := bufio.NewWriter(os.Stdout)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	if *only {
		for input.Scan() {
			var text string
			fatal(json.Unmarshal(input.Bytes(), &text))
			fatal(encoder.Encode(hushtag.Normalise(text)))
		}
		return
	}
	options, err := hushtag.RedisOptions(*url)
	fatal(err)
	client := hushtag.New(hushtag.Options{})
	go client.Run(context.Background(), redis.NewClient(options))
	for until := time.Now().Add(*wait); !client.Ready() && time.Now().Before(until); {
		time.Sleep(10 * time.Millisecond)
	}
	for input.Scan() {
		var asked struct{ Hashtag, Surface, Country, Account, Tweet string }
		fatal(json.Unmarshal(input.Bytes(), &asked))
		switch {
		case asked.Account != "":
			fatal(encoder.Encode(map[string]string{"visibility": client.Account(asked.Account, asked.Country)}))
		case asked.Tweet != "":
			fatal(encoder.Encode(map[string]string{"visibility": client.Tweet(asked.Tweet, asked.Country)}))
		default:
			got := client.Check(asked.Hashtag, asked.Surface, asked.Country)
			by := ""
			if got.Register != nil {
				by = got.Register.Field()
			}
			fatal(encoder.Encode(map[string]any{
				"hashtag": got.Hashtag, "shown": got.Shown, "why": got.Why, "weight": got.Weight, "by": by,
				"warning": got.Warning,
			}))
		}
		fatal(output.Flush())
	}
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	}
}
