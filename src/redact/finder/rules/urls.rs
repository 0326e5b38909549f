//! Addresses that are secrets: webhooks, signed addresses, calendars. What leads to the host stays readable.

use super::super::token::{Check, Edge, Rule, form, inner};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "slack-webhook",
        what: "Slack webhook or workflow trigger",
        source: "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
        forms: &[
            form("hooks.slack.com", r"/(services|workflows|triggers)/\K[A-Za-z0-9/\\]{16,}"),
            form("hooks.slack-gov.com", r"/(services|workflows|triggers)/\K[A-Za-z0-9/\\]{16,}"),
        ],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://hooks.slack.com/services/", "TFAKE0123/BFAKE0123/FAKE0123456789FAKE012345"],
            &[r"https:\/\/hooks.slack.com\/workflows\/", "TFAKE0123/AFAKE0123/0123456789/FAKE0123456789FAKE012345"],
        ],
        misses: &[&["https://hooks.slack.com/services/", "$PATH"]],
    },
    Rule {
        id: "conda-channel",
        what: "Address of a conda channel with a token in it",
        source: "https://docs.anaconda.com/anaconda-repository/user-guide/tasks/pkgs/use-pkg-managers/",
        forms: &[form("conda.", r"[a-z0-9.:-]{2,80}/t/\K[A-Za-z0-9_-]{20,}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://conda.anaconda.org/t/", "fk-0123abcd-FAKE-fake-4567"],
            &["https://conda.example.com/t/", "FAKE0fake1FAKE2fake3FAKE4"],
        ],
        misses: &[&["https://conda.anaconda.org/conda-forge/", "linux-64/repodata.json"]],
    },
    Rule {
        id: "openweather-appid",
        what: "OpenWeather API key in a query",
        source: "https://openweathermap.org/appid",
        forms: &[inner("[?&]", "appid=", r"\K[0-9a-f]{32}\b")],
        edge: Edge::Any,
        check: Check::Mixed,
        hits: &[
            &["https://api.openweathermap.org/data/2.5/weather?q=Oslo&appid=", "0123fa4ec5d6789ab0e1f23c4d5b67a8"],
            &["?appid=", "9b8a7c6d5e4f30210fedcba987654321"],
        ],
        misses: &[&["&appid=", "wx0123456789abcdef"]],
    },
    Rule {
        id: "discord-webhook",
        what: "Discord webhook",
        source: "https://discord.com/developers/docs/resources/webhook",
        forms: &[
            form("discord.com", r"/api/(webhooks|v8/webhooks|v9/webhooks|v10/webhooks)/\K\d{16,20}/[A-Za-z0-9_-]{60,}"),
            form(
                "discordapp.com",
                r"/api/(webhooks|v8/webhooks|v9/webhooks|v10/webhooks)/\K\d{16,20}/[A-Za-z0-9_-]{60,}",
            ),
        ],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://discord.com/api/webhooks/",
                "012345678901234567/FAKE0fake1FAKE2fake3FAKE4fake5FAKE6fake7FAKE8fake9FAKE0fake1FAKE2fake3",
            ],
            &[
                "https://canary.discordapp.com/api/v10/webhooks/",
                "0123456789012345678/FAKE0fake1-FAKE2fake3FAKE4fake5FAKE6fake7_FAKE8fake9FAKE0fake1FAKE2fake3",
            ],
        ],
        misses: &[&["https://discord.com/api/webhooks/", "012345678901234567 alone"]],
    },
    Rule {
        id: "teams-webhook",
        what: "Microsoft Teams webhook",
        source: "https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook",
        forms: &[
            form(
                ".webhook.office.com",
                r"/(webhookb2|webhook)/\K[0-9a-f@-]{36,80}/IncomingWebhook/[0-9a-f]{32}[A-Za-z0-9/_-]{0,}",
            ),
            form(
                "outlook.office.com",
                r"/(webhookb2|webhook)/\K[0-9a-f@-]{36,80}/IncomingWebhook/[0-9a-f]{32}[A-Za-z0-9/_-]{0,}",
            ),
        ],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://acme.webhook.office.com/webhookb2/",
                "0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4@1fa4e20f-a4e1-4a4e-b0fa-4e1fa4e20fa4/IncomingWebhook/0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e/2fa4e20f-a4e1-4a4e-b0fa-4e1fa4e20fa4",
            ],
            &[
                "https://outlook.office.com/webhook/",
                "0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4/IncomingWebhook/0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e",
            ],
        ],
        misses: &[&["https://outlook.office.com/", "mail/inbox"]],
    },
    Rule {
        id: "sumologic-collector",
        what: "Sumo Logic HTTP or OTLP source: who has the address can write to it",
        source: "https://help.sumologic.com/docs/send-data/hosted-collectors/http-source/logs-metrics/",
        forms: &[
            form(
                "sumologic.com",
                r"/receiver/v1/(http|otlp|kinesis|events|rum|trace|syslog|cloudsyslog|fluentd|gcp|azure)/\K[A-Za-z0-9_=+%-]{20,}",
            ),
            form("sumologic.net", r"/receiver/v1/(http|otlp|kinesis|events|rum|trace)/\K[A-Za-z0-9_=+%-]{20,}"),
            form("/receiver/v1/", r"(http|otlp|kinesis|events|rum|trace)/\K[A-Za-z0-9_=+%-]{40,}"),
        ],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://endpoint4.collection.sumologic.com/receiver/v1/http/",
                "FAKE0fake1FAKE2fake3FAKE4fake5FAKE6fake7FAKE8fake9FAKE0fake1FAKE2fake3FAKE4fake5FAKE6fake7FAKE8fake9FAKE==",
            ],
            &[
                r"https:\/\/collectors.de.sumologic.com\/receiver\/v1\/otlp\/",
                "FAKE0fake1FAKE2fake3FAKE4fake5FAKE6fake7FAKE8fake9FAKE0%3D%3D",
            ],
        ],
        misses: &[&["https://api.sumologic.com/", "api/v1/collectors"]],
    },
    Rule {
        id: "google-chat-webhook",
        what: "Google Chat webhook",
        source: "https://developers.google.com/workspace/chat/quickstart/webhooks",
        forms: &[form(
            "chat.googleapis.com",
            r"/v1/spaces/[A-Za-z0-9_-]{6,30}/messages\?key=\K[A-Za-z0-9_-]{30,60}&token=[A-Za-z0-9_%=-]{30,}",
        )],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://chat.googleapis.com/v1/spaces/AAAAFAKE012/messages?key=",
                "FAKEfake0123456789FAKEfake0123456789FAK&token=FAKE0123456789FAKE0123456789FAKE0123456789F%3D",
            ],
            &[
                r"https://chat.googleapis.com/v1/spaces/AAAAFAKE012/messages?key\u003d",
                "FAKEfake0123456789FAKEfake0123456789FAK&token=FAKE0123456789FAKE0123456789FAKE0123456789F",
            ],
        ],
        misses: &[&["https://chat.googleapis.com/v1/spaces/", "AAAAFAKE012/messages"]],
    },
    Rule {
        id: "feishu-webhook",
        what: "Feishu or Lark bot webhook",
        source: "https://open.larksuite.com/document/client-docs/bot-v3/add-custom-bot",
        forms: &[form("/open-apis/bot/", r"(v2/hook|hook)/\K[A-Za-z0-9-]{30,}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://open.feishu.cn/open-apis/bot/v2/hook/", "0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4"],
            &["https://open.larksuite.com/open-apis/bot/hook/", "FAKE0123456789fake0123456789fake"],
        ],
        misses: &[&["https://open.feishu.cn/open-apis/bot/", "v2/hook"]],
    },
    Rule {
        id: "dingtalk-webhook",
        what: "DingTalk robot webhook",
        source: "https://open.dingtalk.com/document/orgapp/custom-bots-send-group-chat-messages",
        forms: &[form("oapi.dingtalk.com", r"/robot/send\?access_token=\K[0-9a-f]{64}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://oapi.dingtalk.com/robot/send?access_token=",
                "0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e",
            ],
            &[
                r"https:\/\/oapi.dingtalk.com\/robot\/send?access_token\u003d",
                "1fa4e1fa4e20fa4e1fa4e20fa4e1fa4e0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e",
            ],
        ],
        misses: &[&["https://oapi.dingtalk.com/robot/send?access_token=", "$TOKEN"]],
    },
    Rule {
        id: "wecom-webhook",
        what: "WeCom group bot webhook",
        source: "https://developer.work.weixin.qq.com/document/path/91770",
        forms: &[form("qyapi.weixin.qq.com", r"/cgi-bin/webhook/send\?key=\K[0-9a-f-]{36}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", "0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4"],
            &[
                "https%3A%2F%2Fqyapi.weixin.qq.com%2Fcgi-bin%2Fwebhook%2Fsend%3Fkey%3D",
                "1fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4",
            ],
        ],
        misses: &[&["https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", "$KEY"]],
    },
    Rule {
        id: "zapier-webhook",
        what: "Zapier webhook",
        source: "https://help.zapier.com/hc/en-us/articles/8496288690317",
        forms: &[form("hooks.zapier.com", r"/hooks/catch/\K\d{4,12}/[A-Za-z0-9/]{4,}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://hooks.zapier.com/hooks/catch/", "01234567/fake01f/"],
            &["https://hooks.zapier.com/hooks/catch/", "012345/fake02f/silent/"],
        ],
        misses: &[&["https://hooks.zapier.com/hooks/", "standard/"]],
    },
    Rule {
        id: "make-webhook",
        what: "Make webhook",
        source: "https://help.make.com/webhooks",
        forms: &[form(".make.com", r"/\K[a-z0-9]{28,40}"), form("hook.integromat.com", r"/\K[a-z0-9]{28,40}")],
        edge: Edge::Any,
        check: Check::Mixed,
        hits: &[
            &["https://hook.eu1.make.com/", "fake0123456789fake0123456789fake"],
            &["https://hook.integromat.com/", "0123456789fake0123456789fakefa"],
        ],
        misses: &[&["https://www.make.com/", "en/integrations"]],
    },
    Rule {
        id: "ifttt-key",
        what: "IFTTT webhook key",
        source: "https://ifttt.com/maker_webhooks",
        forms: &[form("maker.ifttt.com", r"/use/\K[A-Za-z0-9_-]{20,}"), form("/with/key/", r"\K[A-Za-z0-9_-]{20,}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://maker.ifttt.com/use/", "FAKE0123456789fakeFAKE"],
            &["https://maker.ifttt.com/trigger/door/with/key/", "FAKE0123456789_fake-FAKE"],
        ],
        misses: &[&["https://maker.ifttt.com/trigger/", "door"]],
    },
    Rule {
        id: "loggly-token",
        what: "Loggly customer token",
        source: "https://documentation.solarwinds.com/en/success_center/loggly/content/admin/customer-token-authentication-token.htm",
        forms: &[form(".loggly.com", r"/(inputs|bulk)/\K[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://logs-01.loggly.com/inputs/", "0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4"],
            &["https://logs-01.loggly.com/bulk/", "1fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4"],
        ],
        misses: &[&["https://acme.loggly.com/", "search"]],
    },
    Rule {
        id: "pagerduty-integration",
        what: "PagerDuty integration key in its address",
        source: "https://developer.pagerduty.com/docs/events-api-v2/overview/",
        forms: &[form("events.pagerduty.com", r"/integration/\K[0-9a-f]{32}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://events.pagerduty.com/integration/", "0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e"],
            &[r"https:\/\/events.pagerduty.com\/integration\/", "1fa4e1fa4e20fa4e1fa4e20fa4e1fa4e"],
        ],
        misses: &[&["https://events.pagerduty.com/", "v2/enqueue"]],
    },
    Rule {
        id: "victorops-key",
        what: "Splunk On-Call REST integration key",
        source: "https://help.victorops.com/knowledge-base/rest-endpoint-integration-guide/",
        forms: &[form("alert.victorops.com", r"/integrations/generic/\d{6,10}/alert/\K[0-9a-f-]{36}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://alert.victorops.com/integrations/generic/20131114/alert/",
                "0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4",
            ],
            &[
                r"https:\/\/alert.victorops.com\/integrations\/generic\/20131114\/alert\/",
                "1fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4",
            ],
        ],
        misses: &[&["https://alert.victorops.com/", "integrations"]],
    },
    Rule {
        id: "mattermost-webhook",
        what: "Mattermost or Rocket.Chat webhook",
        source: "https://developers.mattermost.com/integrate/webhooks/incoming/",
        forms: &[form("/hooks/", r"\K[a-z0-9]{26}\b"), form("/hooks/", r"\K[A-Za-z0-9]{17,24}/[A-Za-z0-9]{43,64}\b")],
        edge: Edge::Any,
        check: Check::Mixed,
        hits: &[
            &["https://chat.example.com/hooks/", "fake0123456789fake01234567"],
            &["https://chat.example.com/hooks/", "FAKE0123456789fake/FAKE0fake1FAKE2fake3FAKE4fake5FAKE6fake7FAKE8fa"],
        ],
        misses: &[&[".git/hooks/", "pre-commit"]],
    },
    Rule {
        id: "netlify-build-hook",
        what: "Netlify or Vercel deploy hook",
        source: "https://docs.netlify.com/build/configure-builds/build-hooks/",
        forms: &[
            form("api.netlify.com", r"/build_hooks/\K[0-9a-f]{24}"),
            form("api.vercel.com", r"/v1/integrations/deploy/\Kprj_[A-Za-z0-9]{20,40}/[A-Za-z0-9]{8,}"),
            form("api.render.com", r"/deploy/srv-[a-z0-9]{16,24}\?key=\K[A-Za-z0-9_-]{8,}"),
        ],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://api.netlify.com/build_hooks/", "0fa4e1fa4e20fa4e1fa4e20f"],
            &["https://api.vercel.com/v1/integrations/deploy/", "prj_FAKE0fake1FAKE2fake3FAKE4/FAKE012345"],
        ],
        misses: &[&["https://api.netlify.com/", "api/v1/sites"]],
    },
    Rule {
        id: "calendar-address",
        what: "Private address of a Google calendar",
        source: "https://support.google.com/calendar/answer/37648",
        forms: &[form(
            "calendar.google.com",
            r"/calendar/ical/[A-Za-z0-9._+-]{1,80}@[A-Za-z0-9.-]{3,80}/private-\K[0-9a-f]{32}",
        )],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://calendar.google.com/calendar/ical/me%40example.com/private-",
                "0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e",
            ],
            &[
                "https://calendar.google.com/calendar/ical/team@example.com/private-",
                "1fa4e1fa4e20fa4e1fa4e20fa4e1fa4e",
            ],
        ],
        misses: &[&["https://calendar.google.com/calendar/ical/me%40example.com/", "public/basic.ics"]],
    },
    Rule {
        id: "aws-signed-url",
        what: "Signature or session token of a request to AWS",
        source: "https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html",
        forms: &[
            form("X-Amz-Signature", r"=\K[0-9a-f]{64}"),
            form("X-Amz-Security-Token", r"=\K[A-Za-z0-9+/=%_-]{40,}"),
            form("X-Amz-Security-Token", r":[ ]?\K[A-Za-z0-9+/=%_-]{40,}"),
            form("X-Amz-Credential", r"=\K[A-Z0-9]{16,24}"),
            form("x-amz-security-token", r"=\K[A-Za-z0-9+/=%_-]{40,}"),
            form("x-amz-security-token", r":[ ]?\K[A-Za-z0-9+/=%_-]{40,}"),
        ],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://b.s3.amazonaws.com/k?X-Amz-Signature=",
                "0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e",
            ],
            &[r"X-Amz-Security-Token\u003d", "FAKE0fake1FAKE2fake3FAKE4fake5FAKE6fake7FAKE8fake9%2FFAKE%3D"],
        ],
        misses: &[&["X-Amz-Signature=", "$SIGNATURE"]],
    },
    Rule {
        id: "signature-parameter",
        what: "Signature of an address or a request: AWS, CloudFront, Alibaba OSS and others",
        source: "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html",
        forms: &[form("Signature", r"=\K[A-Za-z0-9%+/=~_-]{27,}"), form("signature", r"=\K[A-Za-z0-9%+/=~_-]{27,}")],
        edge: Edge::Word,
        check: Check::Mixed,
        hits: &[
            &[
                "https://d.cloudfront.net/k?Expires=1700000000&Signature=",
                "FAKE0fake1FAKE2fake3FAKE4fake5FAKE6fake7~FAKE8__",
            ],
            &[
                "AWS4-HMAC-SHA256 Credential=x, SignedHeaders=host, Signature=",
                "0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e",
            ],
        ],
        misses: &[&["Signature=", "valid"]],
    },
    Rule {
        id: "google-signed-url",
        what: "Signature of an address of Google Cloud Storage",
        source: "https://cloud.google.com/storage/docs/access-control/signed-urls",
        forms: &[form("X-Goog-Signature", r"=\K[0-9a-f]{64,}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://storage.googleapis.com/b/k?X-Goog-Signature=",
                "0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e",
            ],
            &[
                "X-Goog-Signature%3D",
                "1fa4e1fa4e20fa4e1fa4e20fa4e1fa4e0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e0fa4e1fa4e20fa4e1fa4e20f",
            ],
        ],
        misses: &[&["X-Goog-Signature=", "none"]],
    },
    Rule {
        id: "azure-sas",
        what: "Signature of a shared access signature of Azure",
        source: "https://learn.microsoft.com/en-us/rest/api/storageservices/create-service-sas",
        forms: &[form("sig=", r"\K[A-Za-z0-9%+/_-]{43,}"), form("sig%3D", r"\K[A-Za-z0-9%+/_-]{43,}")],
        edge: Edge::Word,
        check: Check::Mixed,
        hits: &[
            &["https://a.blob.core.windows.net/c?sv=2024-01-01&sig=", "FAKE0fake1FAKE2fake3FAKE4fake5FAKE6fake7FAK%3D"],
            &[
                "https://prod-00.westeurope.logic.azure.com/workflows/x/triggers/manual/paths/invoke?sig=",
                "FAKE0fake1-FAKE2fake3_FAKE4fake5FAKE6fake7F",
            ],
        ],
        misses: &[&["a.out?sig=", "FAKE0"]],
    },
    Rule {
        id: "tencent-signature",
        what: "Signature of a request to Tencent COS, Alibaba OSS, Volcengine TOS or Huawei OBS",
        source: "https://www.tencentcloud.com/document/product/436/7778",
        forms: &[
            form("q-signature", r"=\K[0-9a-f]{40}"),
            form("x-oss-signature", r"=\K[0-9a-f]{64}"),
            form("X-Tos-Signature", r"=\K[0-9a-f]{64}"),
            form("X-Oss-Signature", r"=\K[0-9a-f]{64}"),
            form("x-oss-security-token", r"=\K[A-Za-z0-9+/=%_-]{40,}"),
        ],
        edge: Edge::Any,
        check: Check::Digit,
        hits: &[
            &["https://b.cos.ap-guangzhou.myqcloud.com/k?q-signature=", "0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e20fa4e1f"],
            &["x-oss-signature=", "0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e0fa4e1fa4e20fa4e1fa4e20fa4e1fa4e"],
        ],
        misses: &[&["q-signature=", "$S"]],
    },
    Rule {
        id: "healthchecks-ping",
        what: "Ping address of Healthchecks or Cronitor",
        source: "https://healthchecks.io/docs/http_api/",
        forms: &[form("hc-ping.com", r"/\K[A-Za-z0-9-]{22,}"), form("cronitor.link", r"/\Kp/[0-9a-f]{32}")],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &["https://hc-ping.com/", "0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4"],
            &["https://hc-ping.com/", "FAKE0123456789fake0123"],
        ],
        misses: &[&["https://hc-ping.com/", " is the host"]],
    },
    Rule {
        id: "chime-webhook",
        what: "Amazon Chime or RingCentral webhook",
        source: "https://docs.aws.amazon.com/chime/latest/ug/webhooks.html",
        forms: &[
            form(
                "hooks.chime.aws",
                r"/incomingwebhooks/\K[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\?token=[A-Za-z0-9=%_-]{20,}",
            ),
            form("hooks.glip.com", r"/webhook/\K[A-Za-z0-9.-]{30,}"),
            form("hooks.ringcentral.com", r"/webhook/\K[A-Za-z0-9.-]{30,}"),
        ],
        edge: Edge::Any,
        check: Check::None,
        hits: &[
            &[
                "https://hooks.chime.aws/incomingwebhooks/",
                "0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4?token=FAKE0123456789fake0123%3D",
            ],
            &["https://hooks.glip.com/webhook/", "0fa4e1fa-4e20-4fa4-a1fa-4e20fa4e1fa4"],
        ],
        misses: &[&["https://hooks.chime.aws/", "incomingwebhooks"]],
    },
    Rule {
        id: "gitlab-feed-token",
        what: "GitLab feed or runner token in an address",
        source: "https://docs.gitlab.com/security/tokens/",
        forms: &[form("feed_token", r"=\K[A-Za-z0-9_-]{20,}"), form("rss_token", r"=\K[A-Za-z0-9_-]{20,}")],
        edge: Edge::Word,
        check: Check::Mixed,
        hits: &[
            &["https://gitlab.example.com/dashboard/projects.atom?feed_token=", "FAKE0123456789fakeFA"],
            &[r"https://gitlab.example.com/x.ics?feed_token\u003d", "FAKE0123456789fakeFAKE"],
        ],
        misses: &[&["feed_token=", "$TOKEN"]],
    },
    Rule {
        id: "oauth-code",
        what: "Code or assertion that is exchanged for a token",
        source: "https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2",
        forms: &[
            form("?code=", r"\K[A-Za-z0-9%._~/+-]{20,}"),
            form("&code=", r"\K[A-Za-z0-9%._~/+-]{20,}"),
            form("SAMLResponse=", r"\K[A-Za-z0-9%+/=]{40,}"),
            form("SAMLart=", r"\K[A-Za-z0-9%+/=]{40,}"),
        ],
        edge: Edge::Any,
        check: Check::Mixed,
        hits: &[
            &["https://app.example.com/cb?code=", "FAKE0123456789fakeFAKE0123"],
            &["grant_type=authorization_code&code=", "4/FAKE0123456789fakeFAKE0123"],
            &["SAMLResponse=", "PHNhbWxwOlJlc3BvbnNlIEZBS0UwMTIzNDU2Nzg5ZmFrZQ%3D%3D"],
        ],
        misses: &[&["?code=", "not_found_in_the_catalogue"], &["&code=", "404"]],
    },
    Rule {
        id: "mattermost-hook",
        what: "Incoming webhook of Mattermost, Rocket.Chat or Make",
        source: "https://developers.mattermost.com/integrate/webhooks/incoming/",
        forms: &[
            form("/hooks/", r"\K[a-z0-9]{26}\b"),
            form("/hooks/", r"[A-Za-z0-9]{17,24}/\K[A-Za-z0-9]{40,48}\b"),
            inner(r"hook\.[a-z0-9]{2,5}", ".make.com/", r"\K[a-z0-9]{32}\b"),
        ],
        edge: Edge::Any,
        check: Check::Mixed,
        hits: &[
            &["https://chat.example.com/hooks/", "fake0123456789fake01234567"],
            &["https://hook.eu1.make.com/", "fake0123456789fake0123456789fake"],
        ],
        misses: &[&["src/hooks/", "use-session"], &["https://docs.example.com/hooks/", "introduction"]],
    },
];
