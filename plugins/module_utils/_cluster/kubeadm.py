# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kubeadm and the API server of a cluster are told, as documents; source: kubeadm v1beta4, and the security rules K8S-S1, S2 and S4.

settings: {name, version, endpoint (name:port), virtual_address or None, pods, services, domain (of the network), cgroup_v1, swap (accepted by a waiver),
feature_gates {name: flag}, images (repository in place of registry.k8s.io, or None), issuers: what the authentication file adds}.
"""

from __future__ import annotations

import json

API = 'kubeadm.k8s.io/v1beta4'
# of what hosts join by: who made it, and for how long it is good; the one that kubeadm makes by itself is good for a day
NOTE, LIFE = 'sovereign.ai_stack: ', '15m'
CONTROL = 'control_plane'
SOCKET = 'unix:///run/containerd/containerd.sock'
POLICIES, AUDIT_LOGS = '/etc/kubernetes/policy', '/var/log/kubernetes'
# health checks alone: a host joins with a file that says where the API is, so that it need not ask without a name
OPEN_PATHS = ('/livez', '/readyz', '/healthz')
# of Go's names; what TLS 1.3 has beside them cannot be chosen
CIPHERS = ('TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
           'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384')


def _arguments(values):
    return [{'name': name, 'value': str(value)} for name, value in sorted(values.items())]


def _gates(settings):
    return {'feature-gates': ','.join('%s=%s' % (name, str(on).lower()) for name, on in sorted(settings['feature_gates'].items()))} \
        if settings.get('feature_gates') else {}


def _registration(node):
    taints = {} if node.get('taints') is None else {'taints': node['taints']}
    return dict({'name': node['name'], 'criSocket': SOCKET, 'imagePullPolicy': 'IfNotPresent',
                 'kubeletExtraArgs': _arguments({'node-ip': node['address']})}, **taints)


def ignored(settings):
    """Checks of kubeadm that do not stop it: it refuses cgroup v1 and swap whatever the kubelet is told."""
    return [check for key, check in (('cgroup_v1', 'SystemVerification'), ('swap', 'Swap')) if settings.get(key)]


def cluster(settings):
    """ClusterConfiguration: what is one for all control planes."""
    server = {
        'authentication-config': POLICIES + '/authentication.yaml', 'encryption-provider-config': POLICIES + '/encryption.yaml',
        'admission-control-config-file': POLICIES + '/admission.yaml', 'audit-policy-file': POLICIES + '/audit.yaml',
        'audit-log-path': AUDIT_LOGS + '/audit.log', 'audit-log-maxsize': 100, 'audit-log-maxbackup': 10,
        'audit-log-maxage': 30, 'profiling': 'false', 'tls-min-version': 'VersionTLS12', 'tls-cipher-suites': ','.join(CIPHERS),
        'enable-admission-plugins': 'NodeRestriction', 'kubelet-certificate-authority': '/etc/kubernetes/pki/ca.crt',
        'service-account-extend-token-expiration': 'false',
    }
    quiet = dict({'profiling': 'false'}, **_gates(settings))
    volumes = [{'name': 'policy', 'hostPath': POLICIES, 'mountPath': POLICIES, 'readOnly': True, 'pathType': 'Directory'},
               {'name': 'audit', 'hostPath': AUDIT_LOGS, 'mountPath': AUDIT_LOGS, 'pathType': 'DirectoryOrCreate'}]
    made = {'apiVersion': API, 'kind': 'ClusterConfiguration', 'clusterName': settings['name'], 'kubernetesVersion': 'v' + settings['version'],
            'controlPlaneEndpoint': settings['endpoint'], 'encryptionAlgorithm': 'ECDSA-P256',
            'networking': {'podSubnet': settings['pods'], 'serviceSubnet': settings['services'], 'dnsDomain': settings['domain']},
            'apiServer': {'extraArgs': _arguments(dict(server, **_gates(settings))), 'extraVolumes': volumes},
            'controllerManager': {'extraArgs': _arguments(quiet)}, 'scheduler': {'extraArgs': _arguments(quiet)}}
    if settings.get('virtual_address'):
        # beside the name of the endpoint, which kubeadm adds by itself
        made['apiServer']['certSANs'] = [settings['virtual_address']]
    if settings.get('images'):
        # CoreDNS lies one folder deeper, and kubeadm forgets that for any repository but its own
        made.update(imageRepository=settings['images'], dns={'imageRepository': settings['images'] + '/coredns'})
    return made


def kubelet(settings):
    """KubeletConfiguration of every node."""
    made = {'apiVersion': 'kubelet.config.k8s.io/v1beta1', 'kind': 'KubeletConfiguration', 'cgroupDriver': 'systemd', 'serverTLSBootstrap': True,
            'rotateCertificates': True, 'readOnlyPort': 0, 'seccompDefault': True, 'podPidsLimit': 4096, 'tlsMinVersion': 'VersionTLS12',
            'tlsCipherSuites': list(CIPHERS), 'authentication': {'anonymous': {'enabled': False}, 'webhook': {'enabled': True}},
            'authorization': {'mode': 'Webhook'}}
    if settings.get('feature_gates'):
        made['featureGates'] = dict(settings['feature_gates'])
    if settings.get('cgroup_v1'):
        made['failCgroupV1'] = False
    if settings.get('swap'):
        # it starts, and no pod swaps
        made.update(failSwapOn=False, memorySwap={'swapBehavior': 'NoSwap'})
    return made


def proxy(settings):
    """KubeProxyConfiguration: rules by nftables; conntrack stays as the machine has it where a node may not change it."""
    made = {'apiVersion': 'kubeproxy.config.k8s.io/v1alpha1', 'kind': 'KubeProxyConfiguration', 'mode': 'nftables'}
    if settings.get('conntrack') == 'keep':
        made['conntrack'] = {'maxPerCore': 0, 'min': 0}
    return made


def init(settings, node):
    """Documents of `kubeadm init` on the first control plane. node: {name, address, taints or None for kubeadm's own}."""
    token = {'description': NOTE + node['name'], 'ttl': LIFE, 'usages': ['authentication'],
             'groups': ['system:bootstrappers:kubeadm:default-node-token']}
    own = {'apiVersion': API, 'kind': 'InitConfiguration', 'bootstrapTokens': [token], 'localAPIEndpoint': {'advertiseAddress': node['address']},
           'nodeRegistration': _registration(node)}
    if ignored(settings):
        own['nodeRegistration']['ignorePreflightErrors'] = ignored(settings)
    return [own, cluster(settings), kubelet(settings), proxy(settings)]


def join(settings, node, discovery):
    """Documents of `kubeadm join`. discovery: path on the node of a file that says where the API is, and by which login. A control plane gets the key of the
    authorities with its ticket."""
    made = {'apiVersion': API, 'kind': 'JoinConfiguration', 'discovery': {'file': {'kubeConfigPath': discovery}}, 'nodeRegistration': _registration(node),
            'timeouts': {'discovery': '1m0s'}}
    if ignored(settings):
        made['nodeRegistration']['ignorePreflightErrors'] = ignored(settings)
    if node.get('part') == CONTROL:
        made['controlPlane'] = {'localAPIEndpoint': {'advertiseAddress': node['address']}}
    return [made]


def with_key(document, key):
    """The document of a control plane that joins, with the key by which it reads the authorities. document: text of join()."""
    made = json.loads(document)
    made['controlPlane']['certificateKey'] = key
    return json.dumps(made)


def upload(node, key, settings):
    """Documents by which `kubeadm init phase upload-certs` leaves the authorities for one that joins, encrypted. node: the control plane that does; settings:
    ClusterConfiguration as the cluster keeps it, in YAML: without it kubeadm would ask the internet for a version."""
    own = {'apiVersion': API, 'kind': 'InitConfiguration', 'certificateKey': key, 'localAPIEndpoint': {'advertiseAddress': node['address']},
           'nodeRegistration': {'name': node['name'], 'criSocket': SOCKET}}
    return '%s\n---\n%s' % (json.dumps(own), settings)


def authentication(issuers=()):
    """Who may ask: nobody without a name, but for health."""
    return {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'AuthenticationConfiguration',
            'anonymous': {'enabled': True, 'conditions': [{'path': path} for path in OPEN_PATHS]}, 'jwt': list(issuers)}


def admission():
    """What a pod may do where its namespace says nothing: no more than the baseline; what is not restricted is said."""
    level = {'enforce': 'baseline', 'audit': 'restricted', 'warn': 'restricted'}
    levels = dict(level, **{key + '-version': 'latest' for key in level})
    security = {'apiVersion': 'pod-security.admission.config.k8s.io/v1', 'kind': 'PodSecurityConfiguration', 'defaults': levels,
                'exemptions': {'usernames': [], 'runtimeClasses': [], 'namespaces': ['kube-system']}}
    return {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'AdmissionConfiguration', 'plugins': [{'name': 'PodSecurity', 'configuration': security}]}


def audit():
    """Who did what; never what a secret says, and no token (rule K8S-S1). The first rule that fits counts."""
    def rule(level, **more):
        return dict(more, level=level)

    core, tokens = '', [{'group': 'authentication.k8s.io', 'resources': ['tokenreviews']}, {'group': '', 'resources': ['serviceaccounts/token']}]
    return {'apiVersion': 'audit.k8s.io/v1', 'kind': 'Policy', 'omitStages': ['RequestReceived'], 'rules': [
        rule('None', nonResourceURLs=['/healthz*', '/livez*', '/readyz*']),
        rule('None', resources=[{'group': 'coordination.k8s.io', 'resources': ['leases']}]),
        rule('None', users=['system:kube-proxy'], verbs=['watch', 'list']),
        rule('Metadata', resources=[{'group': core, 'resources': ['secrets', 'configmaps']}] + tokens),
        rule('RequestResponse', verbs=['create', 'update', 'patch', 'delete', 'deletecollection'],
             resources=[{'group': 'rbac.authorization.k8s.io'}, {'group': 'admissionregistration.k8s.io'}]),
        rule('Request', resources=[{'group': core, 'resources': ['pods/exec', 'pods/attach', 'pods/portforward', 'pods/ephemeralcontainers']}]),
        rule('Metadata'),
    ]}


def encryption(keys):
    """Secrets at rest. keys: [{name, secret (32 bytes as base64)}], the first one writes; what is still in clear can be read (rule K8S-S2)."""
    return {'apiVersion': 'apiserver.config.k8s.io/v1', 'kind': 'EncryptionConfiguration',
            'resources': [{'resources': ['secrets'], 'providers': [{'secretbox': {'keys': list(keys)}}, {'identity': {}}]}]}
